import type pg from 'pg';

/** A statement that must hold whatever was measured. */
interface Invariant {
  readonly what: string;
  /** Counts what breaks it, as `broken`. */
  readonly sql: string;
}

export interface InvariantResult {
  readonly what: string;
  readonly broken: number;
}

const LIVE = `('HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')`;

const INVARIANTS: readonly Invariant[] = [
  {
    what: 'no two live claims on one seat',
    sql: `select count(*)::int as broken
            from (select event_id, seat
                    from booking.seat_claims
                   where released_at is null
                   group by event_id, seat
                  having count(*) > 1) twice`,
  },
  {
    what: 'the seats of live bookings are exactly the live claims',
    sql: `with wanted as (
            select id as booking_id, event_id, unnest(seats) as seat
              from booking.bookings
             where inventory = 'seats' and status in ${LIVE}
          ), claimed as (
            select booking_id, event_id, seat
              from booking.seat_claims
             where released_at is null
          )
          select count(*)::int as broken
            from ((table wanted except all table claimed) union all (table claimed except all table wanted)) difference`,
  },
  {
    what: 'no overlapping live claims on one resource',
    sql: `select count(*)::int as broken
            from booking.slot_claims a
            join booking.slot_claims b
              on a.resource_id = b.resource_id and a.during && b.during and a.booking_id < b.booking_id
           where a.released_at is null and b.released_at is null`,
  },
  {
    what: 'the counter of each pool equals its live claims, and is within its capacity',
    sql: `select count(*)::int as broken
            from booking.events e
           where e.inventory = 'pool'
             and (e.claimed > e.capacity
                  or e.claimed <> (select coalesce(sum(c.quantity), 0)
                                     from booking.pool_claims c
                                    where c.event_id = e.id and c.released_at is null))`,
  },
  {
    what: 'every version of every booking has its history row, and no other has one',
    sql: `select count(*)::int as broken
            from booking.bookings b
            full join (select booking_id, count(*) as entries, min(version) as first
                         from booking.booking_history
                        group by booking_id) h on h.booking_id = b.id
           where h.entries is null or b.id is null or h.first <> 1 or h.entries > b.version`,
  },
  {
    what: 'one "held" event in the outbox for each booking that ever was held',
    sql: `select count(*)::int as broken
            from (select id from booking.bookings where hold_expires_at is not null) b
            full join (select ordering_key, count(*) as events
                         from booking.outbox
                        where family = 'hold' and seq = 1
                        group by ordering_key) o on o.ordering_key = b.id
           where o.events is distinct from 1 or b.id is null`,
  },
  {
    what: 'one stored answer for each booking, or for its series',
    sql: `select count(*)::int as broken
            from (select distinct coalesce(series_id, id) as id from booking.bookings where waitlist_entry_id is null) b
            full join (select body::jsonb ->> 'id' as id, count(*) as answers
                         from booking.idempotency_keys
                        where status = 201 and body::jsonb ->> 'object' in ('booking', 'series')
                        group by 1) k on k.id = b.id
           where k.answers is distinct from 1 or b.id is null`,
  },
  {
    what: 'the outbox is drained',
    sql: `select count(*)::int as broken from booking.outbox where published_at is null`,
  },
  {
    what: 'no dead letters',
    sql: `select count(*)::int as broken from booking.dead_letters`,
  },
];

/** Checks every invariant. `holds`: how many 201 answers the clients saw; fewer bookings than that would be lost ones. */
export async function checkInvariants(admin: pg.Client, holds: number): Promise<InvariantResult[]> {
  const results: InvariantResult[] = [];
  for (const { what, sql } of INVARIANTS) {
    const { rows } = await admin.query<{ broken: number }>(sql);
    results.push({ what, broken: rows[0]!.broken });
  }
  const { rows } = await admin.query<{ bookings: number }>('select count(*)::int as bookings from booking.bookings');
  results.push({ what: 'no fewer bookings than 201 answers', broken: Math.max(0, holds - rows[0]!.bookings) });
  return results;
}
