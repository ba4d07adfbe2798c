import type { Family } from '@holdfast/shared/bus/topology';
import { eventEnvelope } from '@holdfast/shared/contracts/event-envelope';
import { EVENTS_BY_FAMILY } from '@holdfast/shared/event-catalogue/events-by-family';
import { query } from './query.ts';
import type { Stack } from './stack.ts';

/** The newest of each outbox: enough of every kind, and quick after thousands of bookings. */
const LOOKED_AT = 1_000;

/**
 * Events in the outboxes that the catalogue does not describe, each kind of fault once. Readers take fields that they do not know;
 * those that this release itself writes and its catalogue does not have are a fault.
 */
export async function undescribedEvents(stack: Stack): Promise<string[]> {
  const rows = await query<{ payload: string }>(
    stack,
    ['identity', 'booking', 'payment', 'notification']
      .map((schema) => `(select payload::text as payload from ${schema}.outbox order by id desc limit ${LOOKED_AT})`)
      .join(' union all '),
  );
  return [...new Set(rows.flatMap(({ payload }) => faultOf(JSON.parse(payload)) ?? []))];
}

function faultOf(event: unknown): string | null {
  const envelope = eventEnvelope.strict().safeParse(event);
  if (!envelope.success) return `an event is no envelope: ${told(envelope.error)}`;
  const { type, family, data } = envelope.data;
  const schema = family in EVENTS_BY_FAMILY ? EVENTS_BY_FAMILY[family as Family][type.split('.')[2]!] : undefined;
  if (schema === undefined) return `${type} is not in the event catalogue`;
  const parsed = schema.strict().safeParse(data);
  return parsed.success ? null : `${type} is not what the event catalogue says: ${told(parsed.error)}`;
}

function told({ issues }: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
