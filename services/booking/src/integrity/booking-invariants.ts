import type { Invariant } from '@holdfast/shared/integrity/invariant';

/** States in which a booking has its places. */
const LIVE = `('HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN')`;

/** What must be so in the tables of this service; a row of an answer is a violation. */
export const BOOKING_INVARIANTS: readonly Invariant[] = [
  {
    name: 'moved_with_its_event',
    description: 'a booking that stands is at the time of its event, or on the list to follow it',
    every: 'hour',
    sql: `
      select b.id, b.starts_at, e.starts_at as event_starts_at from booking.bookings b
        join booking.events e on e.id = b.event_id
       where b.status in ${LIVE}
         and (b.starts_at, b.ends_at) <> (e.starts_at, e.ends_at)
         and e.cancelled_at is null
         and not exists (select from booking.bookings_to_move w where w.booking_id = b.id)`,
  },
  {
    name: 'search_follows_catalogue',
    description: 'what can be found is what the catalogue has',
    every: 'hour',
    sql: `
      select coalesce(s.id, e.id) as id from booking.search_entries s
        full join (select id, starts_at from booking.events
                    where archived_at is null and cancelled_at is null and ends_at > clock.app_now()
                    union all
                   select id, 'infinity' from booking.resources where archived_at is null) e on e.id = s.id
       where (s.id is null or e.id is null and s.ends_at > clock.app_now() or s.sort_at <> e.starts_at)`,
  },
  {
    name: 'seat_claimed_once',
    description: 'one live claim a seat',
    every: 'hour',
    sql: `
      select event_id, seat, count(*) from booking.seat_claims where released_at is null
       group by event_id, seat having count(*) > 1`,
  },
  {
    name: 'slot_claims_apart',
    description: 'live slot claims never overlap',
    every: 'hour',
    sql: `
      select a.booking_id, b.booking_id as other from booking.slot_claims a
        join booking.slot_claims b on b.resource_id = a.resource_id and b.during && a.during and b.booking_id > a.booking_id
       where a.released_at is null and b.released_at is null`,
  },
  {
    name: 'pool_counter',
    description: 'claimed is what is claimed, and within capacity',
    every: 'hour',
    sql: `
      select e.id, e.claimed, e.capacity, coalesce(sum(c.quantity), 0) as claims from booking.events e
        left join booking.pool_claims c on c.event_id = e.id and c.released_at is null
       where e.inventory = 'pool'
       group by e.id
      having e.claimed <> coalesce(sum(c.quantity), 0) or e.claimed > e.capacity or e.claimed < 0`,
  },
  {
    name: 'pool_numbers_per_booking',
    description: 'a numbered pool gives each booking as many numbers as places',
    every: 'hour',
    sql: `
      select c.booking_id, c.quantity from booking.pool_claims c join booking.events e on e.id = c.event_id and e.numbered
       where c.released_at is null
         and c.quantity <> (select count(*) from booking.pool_places p
                             where p.booking_id = c.booking_id and p.released_at is null)`,
  },
  {
    name: 'pool_numbers_given_or_free',
    description: 'place numbers are either given or free',
    every: 'hour',
    sql: `
      select e.id, e.places_given, e.claimed from booking.events e
       where e.numbered
         and e.places_given <> (select count(*) from booking.pool_places p where p.event_id = e.id and p.released_at is null)
                             + (select count(*) from booking.pool_free_places f where f.event_id = e.id)`,
  },
  {
    name: 'claims_of_live_bookings',
    description: 'only live bookings claim',
    every: 'hour',
    sql: `
      select b.id, b.status from booking.bookings b
        join (select booking_id from booking.seat_claims where released_at is null
               union select booking_id from booking.slot_claims where released_at is null
               union select booking_id from booking.pool_claims where released_at is null
               union select booking_id from booking.pool_places where released_at is null) c on c.booking_id = b.id
       where b.status not in ${LIVE.replace(')', `, 'COMPLETED')`)}`,
  },
  {
    name: 'live_bookings_claim',
    description: 'live bookings claim all that they show',
    every: 'hour',
    sql: `
      select b.id, b.status, b.quantity from booking.bookings b
       where b.status in ${LIVE}
         and case b.inventory
               when 'seats' then b.seats <> array(select seat from booking.seat_claims c
                                                   where c.booking_id = b.id and c.released_at is null
                                                   order by array_position(b.seats, c.seat))
               when 'pool' then b.quantity is distinct from (select quantity from booking.pool_claims c
                                                              where c.booking_id = b.id and c.released_at is null)
               else not exists (select from booking.slot_claims c
                                 where c.booking_id = b.id and c.released_at is null
                                   and c.during = tstzrange(b.starts_at, b.ends_at, '[)'))
             end`,
  },
  {
    name: 'booked_when_paid',
    description: 'claims are BOOKED if and only if the booking is paid',
    every: 'hour',
    sql: `
      select b.id, b.status, c.state from booking.bookings b
        join (select booking_id, state from booking.seat_claims where released_at is null
               union select booking_id, state from booking.slot_claims where released_at is null
               union select booking_id, state from booking.pool_claims where released_at is null) c on c.booking_id = b.id
       where (c.state = 'BOOKED') <> (b.status in ('PAID', 'CONFIRMED', 'CHECKED_IN', 'COMPLETED'))`,
  },
  {
    name: 'history_is_legal',
    description: 'history is a chain of legal transitions',
    every: 'hour',
    sql: `
      select * from (
        select h.booking_id, h.version, h.from_status, h.to_status,
               lag(h.to_status) over (partition by h.booking_id order by h.version) as before
          from booking.booking_history h) h
       where h.from_status is distinct from h.before
          or (h.from_status is not null
              and not exists (select from booking.booking_transitions t
                               where t.from_status = h.from_status and t.to_status = h.to_status))`,
  },
  {
    name: 'history_ends_in_state',
    description: 'history ends in the present state',
    every: 'hour',
    sql: `
      select b.id, b.status from booking.bookings b
       where b.status is distinct from (select to_status from booking.booking_history h
                                         where h.booking_id = b.id order by version desc limit 1)`,
  },
  {
    name: 'waiting_is_counted',
    description: 'whoever waits is counted, and nobody else',
    every: 'hour',
    sql: `
      select id, waiting from booking.events e
       where waiting <> (select count(*) from booking.waitlist_entries w where w.event_id = e.id and w.status = 'WAITING')
       union all
      select id, waiting from booking.resources r
       where waiting <> (select count(*) from booking.waitlist_entries w where w.resource_id = r.id and w.status = 'WAITING')`,
  },
  {
    name: 'waitlist_follows_booking',
    description: 'an entry of the waitlist is what its booking is',
    every: 'hour',
    sql: `
      select w.id, w.status, b.status as booking from booking.waitlist_entries w
        join booking.bookings b on b.id = w.booking_id
       where case w.status
               when 'WAITING' then b.status <> 'PENDING'
               when 'OFFERED' then b.status not in ('HELD', 'PAYMENT_INITIATED', 'PAID')
               when 'ACCEPTED' then not exists (select from booking.booking_history h
                                                 where h.booking_id = b.id and h.to_status = 'CONFIRMED')
               else b.status in ${LIVE} or b.status = 'PENDING'
             end
          or b.waitlist_entry_id is distinct from w.id`,
  },
  {
    name: 'one_offer_per_wait',
    description: 'nobody gets two offers for one wait',
    every: 'hour',
    sql: `
      select ordering_key, count(*) from booking.outbox
       where family = 'booking' and split_part(subject, '.', 4) = 'offered'
       group by ordering_key having count(*) > 1`,
  },
  {
    // What changed longer ago was looked at then. A crowd that has lapsed is told a little later.
    name: 'changes_are_told',
    description: 'each change that others must hear of has its message',
    every: 'hour',
    sql: `
      select b.id, b.status, b.hold_seq, told.hold, b.booking_seq, told.booking, b.checkout_seq, told.checkout
        from booking.bookings b
       cross join lateral (select coalesce(max(seq) filter (where family = 'hold'), 0) as hold,
                                  coalesce(max(seq) filter (where family = 'booking'), 0) as booking,
                                  coalesce(max(seq) filter (where family = 'checkout'), 0) as checkout
                             from booking.outbox o
                            where o.ordering_key = b.id) told
       where b.updated_at > clock.app_now() - interval '2 hours'
         and (b.hold_seq, b.booking_seq, b.checkout_seq) <> (told.hold, told.booking, told.checkout)
         and not exists (select from booking.expiries_to_tell t where b.id = any (t.booking_ids))`,
  },
  {
    name: 'holds_end',
    description: 'no unpaid hold outlives its expiry by more than a minute',
    every: 'minute',
    sql: `
      select id, status, hold_expires_at from booking.bookings
       where status in ('HELD', 'PAYMENT_INITIATED') and pinned_at is null
         and hold_expires_at <= clock.app_now() - interval '60 seconds'`,
  },
  {
    name: 'checkouts_end',
    description: 'no checkout is late for its next step by more than 10 minutes',
    every: 'minute',
    sql: `
      select booking_id, state, next_action_at from booking.checkout_sagas
       where next_action_at <= clock.app_now() - interval '10 minutes'`,
  },
  {
    name: 'standing_is_paid',
    description: 'a booking that stands and costs something went through a checkout',
    every: 'hour',
    sql: `
      select id, status, price_amount from booking.bookings b
       where status in ('PAID', 'CONFIRMED', 'CHECKED_IN', 'COMPLETED') and price_amount > 0
         and not exists (select from booking.checkout_sagas s where s.booking_id = b.id)`,
  },
];
