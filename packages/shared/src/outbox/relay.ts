import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import type { Pool } from '../db/pool.ts';
import { failpoint } from '../failpoints.ts';
import { Loop } from '../loop.ts';

export interface RelayOptions {
  readonly pool: Pool;
  readonly bus: Bus;
  readonly logger: Logger;
  /** The service's name: part of the nudge subject. */
  readonly service: string;
  readonly intervalMs?: number;
  /** Called with what one round published; for metrics. */
  readonly onPublished?: (count: number, oldestAgeMs: number) => void;
}

interface Row {
  id: string;
  subject: string;
  ordering_key: string;
  family: string;
  seq: number;
  payload: string;
  traceparent: string | null;
  age_ms: number;
}

const LEASE_SECONDS = 5;
const BATCH = 1_000;
/** Renewed well before it runs out, so that a healthy leader never loses it to a slow round. */
const RENEW_AFTER_MS = 1_500;

/**
 * Publishes what the outbox holds. Any number of replicas run a relay; the one that holds `relay_lease` publishes. It reads the
 * whole unpublished set (never "above the last id", which loses rows of transactions that commit out of order), keeps at most one
 * unacknowledged message per ordering key, and marks rows only while its fencing epoch still holds. A crash between acknowledgement
 * and mark publishes twice: the broker's dedupe window and the consumers' inboxes absorb that.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #loop: Loop;
  readonly #holder = `${process.pid}-${randomUUID()}`;
  #epoch = -1n;
  #renewedAt = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: `${options.service}-relay`,
      intervalMs: options.intervalMs ?? 100,
      logger: options.logger,
      runOnce: () => this.runOnce().then(({ more }) => ({ more })),
    });
  }

  start(): void {
    this.#options.bus.onHint(nudgeSubject(this.#options.service), () => this.#loop.nudge());
    this.#loop.start();
  }

  /** Gives the lease back, so that another replica takes over at once. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#options.pool
      .query(`update relay_lease set expires_at = '-infinity' where holder = $1`, [this.#holder])
      .catch(() => undefined);
  }

  /** Call after a commit that wrote to the outbox. Costs nothing when the message is lost: the loop polls. */
  nudge(): void {
    if (this.#epoch >= 0n) this.#loop.nudge();
    else this.#options.bus.hint(nudgeSubject(this.#options.service));
  }

  /** One round: take or renew the lease, read, publish, mark. `more` says that the batch was full. */
  async runOnce(): Promise<{ published: number; more: boolean }> {
    if (!(await this.#lead())) return { published: 0, more: false };
    const { rows } = await this.#options.pool.query<Row>({
      name: 'relay-read',
      // The clock stands in subqueries: asked once a statement, not once a row.
      text: `select id, subject, ordering_key, family, seq, payload, traceparent,
                    extract(epoch from (select clock.app_now()) - created_at)::float8 * 1000 as age_ms
               from outbox
              where published_at is null
                and available_at <= (select clock.app_now())
              order by available_at, ordering_key, seq
              limit ${BATCH}`,
    });
    if (rows.length === 0) return { published: 0, more: false };
    failpoint('relay.before_publish');

    const acknowledged: { id: string; seq: number }[] = [];
    let failed: unknown = null;
    await Promise.all(
      inOrderChains(rows).map(async (chain) => {
        for (const row of chain) {
          try {
            const { seq } = await this.#options.bus.publish(row.subject, row.payload, {
              messageId: row.id,
              traceparent: row.traceparent,
            });
            acknowledged.push({ id: row.id, seq });
          } catch (error) {
            // The rest of this chain must not overtake it.
            failed = error;
            return;
          }
        }
      }),
    );
    failpoint('relay.after_publish');
    if (acknowledged.length > 0) {
      await this.#options.pool.query({
        name: 'relay-mark',
        text: `update outbox
                  set published_at = (select clock.app_now()), stream_seq = done.stream_seq
                 from unnest($1::text[], $2::bigint[]) as done (id, stream_seq)
                where outbox.id = done.id
                  and exists (select from relay_lease where holder = $3 and epoch = $4)`,
        values: [acknowledged.map((a) => a.id), acknowledged.map((a) => a.seq), this.#holder, this.#epoch],
      });
      this.#options.onPublished?.(acknowledged.length, rows[0]!.age_ms);
    }
    if (failed) throw new Error(`published ${acknowledged.length} of ${rows.length} messages`, { cause: failed });
    return { published: acknowledged.length, more: rows.length === BATCH };
  }

  async #lead(): Promise<boolean> {
    if (this.#epoch >= 0n && Date.now() - this.#renewedAt < RENEW_AFTER_MS) return true;
    const startedAt = Date.now();
    const { rows } = await this.#options.pool.query<{ epoch: bigint }>(
      `update relay_lease
          set holder = $1,
              epoch = case when holder = $1 then epoch else epoch + 1 end,
              expires_at = clock.app_now() + make_interval(secs => ${LEASE_SECONDS})
        where holder = $1 or holder is null or expires_at < clock.app_now()
        returning epoch`,
      [this.#holder],
    );
    this.#epoch = rows[0]?.epoch ?? -1n;
    this.#renewedAt = startedAt;
    return rows.length > 0;
  }
}

export function nudgeSubject(service: string): string {
  return `hint.relay.${service}`;
}

/** Messages of one ordering key and family, in the order of their sequence. */
function inOrderChains(rows: readonly Row[]): Row[][] {
  const chains = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.ordering_key}/${row.family}`;
    const chain = chains.get(key);
    if (chain) chain.push(row);
    else chains.set(key, [row]);
  }
  for (const chain of chains.values()) chain.sort((a, b) => a.seq - b.seq);
  return [...chains.values()];
}
