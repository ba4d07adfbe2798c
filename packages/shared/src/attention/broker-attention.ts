import type { Bus, BrokerState } from '../bus/bus.ts';
import type { ServiceAttention } from '../contracts/attention.ts';
import { toAttention, type AttentionRow } from './attention-source.ts';

/** What our configurations of the server give JetStream (infra/nats), for an account without a limit of its own. */
const SERVER_LIMIT_BYTES = 16_000_000_000;
/** From here on nobody should wait with making room: at the limit the streams refuse, and everything waits in the outboxes. */
const FULL_SHARE = 0.75;
/** A broker that hangs must not keep the list: what waits because of it stands there as `outbox_delayed`. */
const LIMIT_MS = 1_000;

/** What the broker needs a person for, as one service of all tells it; nothing while it does not answer. */
export async function brokerAttention(service: string, bus: Bus | null): Promise<ServiceAttention> {
  if (bus === null) return toAttention(service, []);
  const late = new Promise<null>((resolve) => setTimeout(resolve, LIMIT_MS, null).unref());
  const state = await Promise.race([bus.brokerState().catch(() => null), late]);
  return toAttention(service, state === null ? [] : brokerItems(state, new Date()));
}

/** The items of a state of the broker that was read at `now`. */
export function brokerItems({ storage, advisories }: BrokerState, now: Date): AttentionRow[] {
  const limit = storage.limitBytes ?? SERVER_LIMIT_BYTES;
  const full = storage.usedBytes / limit;
  const common = { id: null, booking_id: null };
  return [
    ...(full < FULL_SHARE
      ? []
      : [
          {
            ...{ kind: 'broker_full' as const, ...common, since: now, total: 1 },
            detail: `JetStream has ${Math.round(full * 100)} % of its ${(limit / 1e9).toFixed(1)} GB in use`,
          },
        ]),
    ...(advisories.firstAt === null
      ? []
      : [
          {
            ...{ kind: 'broker_advisory' as const, ...common, since: advisories.firstAt, total: 1 },
            detail: `the broker gave up ${advisories.count} messages by itself, which consumers of ours never let it`,
          },
        ]),
  ];
}
