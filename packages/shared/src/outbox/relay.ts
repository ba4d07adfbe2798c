import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { consumersOf, streamOf } from '../bus/topology.ts';
import type { Pool } from '../db/pool.ts';
import { failpoint } from '../failpoints.ts';
import { Loop } from '../loop.ts';
import { DeliveryWatch } from './delivery-watch.ts';

export interface RelayOptions {
  readonly pool: Pool;
  readonly bus: Bus;
  readonly logger: Logger;
  /** The service's name: part of the nudge subject. */
  readonly service: string;
  readonly intervalMs?: number;
  /** Called with what one round published; for metrics. */
  readonly onPublished?: (messages: readonly { readonly family: string; readonly subject: string }[]) => void;
  /** Called with what had to be published again because it was lost behind the broker's acknowledgement; for metrics. */
  readonly onReplayed?: (count: number) => void;
}

interface Row {
  id: string;
  subject: string;
  ordering_key: string;
  family: string;
  seq: number;
  payload: string;
  traceparent: string | null;
  replays: number;
}

/** One acknowledgement of the broker. */
interface Acknowledged {
  readonly row: Row;
  readonly seq: number;
  readonly duplicate: boolean;
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
  readonly #watch: DeliveryWatch;
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
    this.#watch = new DeliveryWatch({
      ...options,
      leads: () => this.#epoch >= 0n,
      onReplayed: (count) => {
        options.onReplayed?.(count);
        this.#loop.nudge();
      },
    });
  }

  start(): void {
    this.#options.bus.onHint(nudgeSubject(this.#options.service), () => this.#loop.nudge());
    this.#loop.start();
    this.#watch.start();
  }

  /** One round of the watch over what was published, whoever leads. */
  checkDelivery() {
    return this.#watch.runOnce();
  }

  /** Gives the lease back, so that another replica takes over at once. */
  async stop(): Promise<void> {
    await Promise.all([this.#loop.stop(), this.#watch.stop()]);
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
      text: `select id, subject, ordering_key, family, seq, payload, traceparent, replays
               from outbox
              where published_at is null
                and available_at <= (select clock.app_now())
              order by available_at, ordering_key, seq
              limit ${BATCH}`,
    });
    if (rows.length === 0) return { published: 0, more: false };
    failpoint('relay.before_publish');

    const acknowledged: Acknowledged[] = [];
    let failed: unknown = null;
    await Promise.all(
      inOrderChains(rows).map(async (chain) => {
        for (const row of chain) {
          try {
            const ack = await this.#options.bus.publish(row.subject, row.payload, {
              // What is sent again has another id: the broker would take the first one for a duplicate of what it lost.
              messageId: row.replays === 0 ? row.id : `${row.id}/${row.replays}`,
              traceparent: row.traceparent,
            });
            acknowledged.push({ row, ...ack });
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
      await this.#mark(acknowledged);
      this.#options.onPublished?.(acknowledged.map(({ row }) => row));
    }
    if (failed) throw new Error(`published ${acknowledged.length} of ${rows.length} messages`, { cause: failed });
    return { published: acknowledged.length, more: rows.length === BATCH };
  }

  /**
   * Marks what was acknowledged and keeps the highest place in each stream. An acknowledgement at or below one that was given before
   * means that the stream lost its end: its next epoch begins. Nothing is marked by a holder that was followed by another.
   */
  async #mark(acknowledged: readonly Acknowledged[]): Promise<void> {
    const streams = new Map<string, { lowest: number; highest: number }>();
    for (const { row, seq, duplicate } of acknowledged) {
      // The place of a duplicate is an old one, whatever the stream went through.
      if (duplicate) continue;
      const name = streamOf(row.subject);
      const known = streams.get(name) ?? { lowest: seq, highest: seq };
      streams.set(name, { lowest: Math.min(known.lowest, seq), highest: Math.max(known.highest, seq) });
    }
    const marks = [...streams];
    await this.#options.pool.query({
      name: 'relay-mark',
      text: `with leader as (
               select from relay_lease where holder = $6 and epoch = $7
             ), fresh as (
               select stream, lowest, highest
                 from unnest($8::text[], $9::bigint[], $10::bigint[]) as fresh (stream, lowest, highest)
             ), marks as (
               insert into stream_marks as mark (stream, highest_seq)
               select stream, highest from fresh, leader order by stream
                   on conflict (stream) do update
                  set epoch = mark.epoch
                        + ((select lowest from fresh where fresh.stream = excluded.stream) <= mark.highest_seq)::integer,
                      highest_seq = excluded.highest_seq
               returning stream, epoch
             )
             update outbox
                set published_at = (select clock.app_now()),
                    stream_seq = done.stream_seq,
                    stream_epoch = coalesce((select epoch from marks where stream = done.stream),
                                            (select epoch from stream_marks where stream = done.stream)),
                    -- What nobody takes has arrived.
                    confirmed_at = case when done.taken then null else (select clock.app_now()) end
               from unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[], $5::integer[])
                      as done (id, stream_seq, stream, taken, replays),
                    leader
              where outbox.id = done.id
                and outbox.replays = done.replays`,
      values: [
        acknowledged.map(({ row }) => row.id),
        acknowledged.map(({ seq }) => seq),
        acknowledged.map(({ row }) => streamOf(row.subject)),
        acknowledged.map(({ row }) => consumersOf(row.family).length > 0),
        acknowledged.map(({ row }) => row.replays),
        this.#holder,
        this.#epoch,
        marks.map(([stream]) => stream),
        marks.map(([, { lowest }]) => lowest),
        marks.map(([, { highest }]) => highest),
      ],
    });
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
