import type { Pool } from '../db/pool.ts';
import type { Tx } from '../db/transaction.ts';
import type { IncomingEvent } from './incoming-event.ts';

type Positioned = Pick<IncomingEvent, 'id' | 'orderingKey' | 'family' | 'sequence'>;

/**
 * Locks the position of the event's ordering key and tells how far it has come, and whether this very event was seen before. The
 * lock serialises replicas that hold messages of the same booking.
 */
export async function claimPosition(
  tx: Tx,
  consumer: string,
  event: Positioned,
): Promise<{ lastSeq: number; seen: boolean }> {
  const { rows } = await tx.query<{ last_seq: number; seen: boolean }>(
    `insert into inbox_positions as position (consumer, ordering_key, family, last_seq)
     values ($1, $2, $3, 0)
     on conflict (consumer, ordering_key, family) do update set last_seq = position.last_seq
     returning last_seq,
               exists (select from inbox where inbox.consumer = $1 and inbox.event_id = $4) as seen`,
    [consumer, event.orderingKey, event.family, event.id],
  );
  return { lastSeq: rows[0]!.last_seq, seen: rows[0]!.seen };
}

/** Gives an ordering key a position where it has none yet: its first event may have left none, its transaction was rolled back. */
export async function ensurePosition(
  tx: Tx,
  consumer: string,
  { orderingKey, family }: Pick<Positioned, 'orderingKey'> & { readonly family: string },
): Promise<void> {
  await tx.query(
    `insert into inbox_positions (consumer, ordering_key, family, last_seq)
     values ($1, $2, $3, 0)
     on conflict (consumer, ordering_key, family) do nothing`,
    [consumer, orderingKey, family],
  );
}

/** Records that the event took effect; belongs in the transaction of the effect. */
export async function advancePosition(tx: Tx, consumer: string, event: Positioned): Promise<void> {
  await tx.query(
    `with moved as (
       update inbox_positions set last_seq = $5
        where consumer = $1 and ordering_key = $2 and family = $3
     ), no_longer_parked as (
       delete from inbox_parked
        where consumer = $1 and ordering_key = $2 and family = $3 and seq <= $5
     )
     insert into inbox (consumer, event_id) values ($1, $4)`,
    [consumer, event.orderingKey, event.family, event.id, event.sequence],
  );
}

/** The same for events of as many ordering keys, in the order of the keys, which everybody keeps. By event id. */
export async function claimPositions(
  tx: Tx,
  consumer: string,
  events: readonly Positioned[],
): Promise<Map<string, { lastSeq: number; seen: boolean }>> {
  const { rows } = await tx.query<{ event_id: string; last_seq: number; seen: boolean }>({
    // Without a name: planned for the rows that it gets (see db/by-ids.ts).
    text: `with given as (
             select event_id, ordering_key, family
               from unnest($2::text[], $3::text[], $4::text[]) as row (event_id, ordering_key, family)
           ), claimed as (
             insert into inbox_positions as position (consumer, ordering_key, family, last_seq)
             select $1, ordering_key, family, 0 from given order by ordering_key, family
             on conflict (consumer, ordering_key, family) do update set last_seq = position.last_seq
             returning ordering_key, family, last_seq
           )
           select event_id, last_seq,
                  exists (select from inbox where inbox.consumer = $1 and inbox.event_id = given.event_id) as seen
             from given join claimed using (ordering_key, family)`,
    values: [
      consumer,
      events.map(({ id }) => id),
      events.map(({ orderingKey }) => orderingKey),
      events.map(({ family }) => family),
    ],
  });
  return new Map(rows.map((row) => [row.event_id, { lastSeq: row.last_seq, seen: row.seen }]));
}

/** Records that events of as many ordering keys took effect; belongs in the transaction of the effects. */
export async function advancePositions(tx: Tx, consumer: string, events: readonly Positioned[]): Promise<void> {
  await tx.query({
    text: `with given as (
             select event_id, ordering_key, family, seq
               from unnest($2::text[], $3::text[], $4::text[], $5::int[]) as row (event_id, ordering_key, family, seq)
           ), moved as (
             update inbox_positions p set last_seq = given.seq
               from given
              where p.consumer = $1 and p.ordering_key = given.ordering_key and p.family = given.family
           ), no_longer_parked as (
             delete from inbox_parked p
              using given
              where p.consumer = $1 and p.ordering_key = given.ordering_key and p.family = given.family and p.seq <= given.seq
           )
           insert into inbox (consumer, event_id) select $1, event_id from given`,
    values: [
      consumer,
      events.map(({ id }) => id),
      events.map(({ orderingKey }) => orderingKey),
      events.map(({ family }) => family),
      events.map(({ sequence }) => sequence),
    ],
  });
}

/** Keeps a message that came before its turn. The same message again changes nothing. */
export async function parkMessage(
  tx: Tx,
  consumer: string,
  event: Positioned,
  subject: string,
  payload: string,
): Promise<void> {
  await tx.query(
    `insert into inbox_parked (consumer, ordering_key, family, seq, event_id, subject, payload)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict do nothing`,
    [consumer, event.orderingKey, event.family, event.sequence, event.id, subject, payload],
  );
}

/** The parked message whose turn it is now, if there is one. It stays parked until it takes effect. */
export async function takeParked(
  pool: Pool,
  consumer: string,
  orderingKey: string,
  family: string,
): Promise<{ subject: string; payload: string } | null> {
  const { rows } = await pool.query<{ subject: string; payload: string }>(
    `select parked.subject, parked.payload
       from inbox_parked parked
       join inbox_positions position using (consumer, ordering_key, family)
      where consumer = $1 and ordering_key = $2 and family = $3
        and parked.seq = position.last_seq + 1`,
    [consumer, orderingKey, family],
  );
  return rows[0] ?? null;
}

/** Ordering keys that have a parked message whose turn it is; a bounded number of them. */
export async function readyParked(pool: Pool, consumer: string): Promise<{ orderingKey: string; family: string }[]> {
  const { rows } = await pool.query<{ ordering_key: string; family: string }>(
    `select parked.ordering_key, parked.family
       from inbox_parked parked
       join inbox_positions position using (consumer, ordering_key, family)
      where consumer = $1
        and parked.seq = position.last_seq + 1
      limit 100`,
    [consumer],
  );
  return rows.map((row) => ({ orderingKey: row.ordering_key, family: row.family }));
}

/** Those of these ordering keys that have a parked message whose turn it is. */
export async function readyParkedOf(pool: Pool, consumer: string, orderingKeys: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ ordering_key: string }>(
    `select parked.ordering_key
       from inbox_parked parked
       join inbox_positions position using (consumer, ordering_key, family)
      where consumer = $1
        and parked.ordering_key = any ($2::text[])
        and parked.seq = position.last_seq + 1`,
    [consumer, orderingKeys],
  );
  return rows.map((row) => row.ordering_key);
}

/** Removes a parked message that was dead-lettered. */
export async function unpark(pool: Pool, consumer: string, event: Positioned): Promise<void> {
  await pool.query('delete from inbox_parked where consumer = $1 and ordering_key = $2 and family = $3 and seq = $4', [
    consumer,
    event.orderingKey,
    event.family,
    event.sequence,
  ]);
}
