import type { Tx } from '@holdfast/shared/db/transaction';
import { toOutboxRows, type OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import { NEW_BOOKING_COLUMNS, toBookingRecord } from '../bookings/booking-row.ts';
import { held, offered } from '../events.ts';
import type { HoldWrite } from './compose-hold.ts';
import type { GrantedHold } from './decide-holds.ts';
import type { HoldCommand } from './hold-command.ts';
import {
  BOOKINGS,
  EVENT_CHANGES,
  HISTORY,
  KEYS,
  MESSAGES,
  PLACES,
  POOLS,
  QUOTES,
  RESOURCES,
  REUSED_PLACES,
  SEATS,
  SLOTS,
  numbered,
  type EventChange,
  type HistoryRow,
  type PlaceRow,
  type PoolRow,
  type QuoteRow,
  type SeatRow,
  type SlotRow,
} from './hold-rows.ts';

/**
 * Writes the winners of a batch in one statement: bookings, claims, history, idempotency answers, outbox rows and the counters of the
 * inventory. Sorted, so that two batches insert into the unique indexes in the same order. The constraints have the last word.
 */
export async function writeHolds(tx: Tx, writes: readonly HoldWrite[], now: Date): Promise<void> {
  if (writes.length === 0) return;
  const calls = writes.filter(isCalledFor);
  const offers = writes.filter(({ call }) => call === null);
  if (offers.length > 0) await turnIntoHolds(tx, offers);
  const seats: SeatRow[] = [];
  const slots: SlotRow[] = [];
  const pools: PoolRow[] = [];
  const places: PlaceRow[] = [];
  const reused: Omit<PlaceRow, 'bookingId'>[] = [];
  const quotes: QuoteRow[] = [];
  const events = new Map<string, EventChange>();
  const resources = new Set<string>();
  for (const { hold, row } of writes) {
    const { place, quote } = hold;
    const bookingId = row.id;
    if (quote) quotes.push({ bookingId, quote });
    if (place.kind === 'slots') {
      const resourceId = place.resource.id;
      slots.push({ resourceId, bookingId, startsAt: place.startsAt, endsAt: place.endsAt });
      resources.add(resourceId);
      continue;
    }
    const eventId = place.event.id;
    const event = events.get(eventId) ?? { id: eventId, claimed: 0, placesGiven: 0 };
    events.set(eventId, event);
    if (place.kind === 'seats') {
      for (const seat of place.seats) seats.push({ eventId, seat, bookingId });
    } else {
      event.claimed += place.quantity;
      event.placesGiven += place.numbers.length - place.fromFree.length;
      pools.push({ eventId, quantity: place.quantity, bookingId });
      for (const number of place.numbers) places.push({ eventId, number, bookingId });
      for (const number of place.fromFree) reused.push({ eventId, number });
    }
  }
  const messages = toOutboxRows(
    '/booking',
    writes.flatMap(({ row, cause, call }): OutgoingEvent[] =>
      call === null ? [held(row, cause, now), offered(row, cause, now)] : [held(row, cause, now)],
    ),
  );
  const history = writes.map((write): HistoryRow => {
    const { call, hold } = write;
    return call === null
      ? { write, from: 'PENDING', reason: 'offered from the waitlist' }
      : { write, from: null, reason: reasonOf(call.command, hold) };
  });

  await tx.query({
    name: 'hold-write',
    text: WRITE_HOLDS,
    // In the order of SETS.
    values: [
      now,
      ...BOOKINGS.values(calls.map(({ row }) => row)),
      ...SEATS.values(seats),
      ...SLOTS.values(slots),
      ...POOLS.values(pools),
      ...PLACES.values(places),
      ...REUSED_PLACES.values(reused),
      ...KEYS.values(calls.map(({ call }) => call)),
      ...MESSAGES.values(messages.ids.map((_, index) => ({ of: messages, index }))),
      ...HISTORY.values(history),
      ...QUOTES.values(quotes),
      ...EVENT_CHANGES.values([...events.values()]),
      ...RESOURCES.values([...resources]),
    ],
  });
}

/** What the history says of the hold, so that its price can be explained. */
function reasonOf({ pricing }: HoldCommand, { quote, place }: GrantedHold): string {
  if (quote) return 'held at a quoted price';
  const isQuoted = place.kind !== 'slots' && place.event.pricing === 'quoted';
  return isQuoted && pricing?.kind === 'list' ? 'held at the list price, no quote could be had' : 'held';
}

const SETS = numbered({
  bookings: BOOKINGS,
  seats: SEATS,
  slots: SLOTS,
  pools: POOLS,
  places: PLACES,
  reused: REUSED_PLACES,
  keys: KEYS,
  messages: MESSAGES,
  history: HISTORY,
  quotes: QUOTES,
  events: EVENT_CHANGES,
  resources: RESOURCES,
});

// One statement with a branch per table. A branch whose rows are empty costs next to nothing. Times are given, since a default of
// clock.app_now() would be asked for each row.
const WRITE_HOLDS = `
with new_bookings as (
  insert into bookings (${NEW_BOOKING_COLUMNS})
  select id, reference, user_id, waitlist_entry_id, status, inventory, event_id, resource_id, seats::text[], quantity, starts_at, ends_at,
         time_zone, title, venue, refund_policy::jsonb, price_amount::bigint, price_currency, price_lines::jsonb, contact_email,
         contact_name, hold_expires_at, hold_seq, created_at, updated_at
    from ${SETS.bookings}
), new_seats as (
  insert into seat_claims (event_id, seat, booking_id, claimed_at)
  select event_id, seat, booking_id, $1::timestamptz
    from ${SETS.seats}
   order by event_id collate "C", seat collate "C"
), new_slots as (
  insert into slot_claims (resource_id, during, booking_id, claimed_at)
  select resource_id, tstzrange(starts_at, ends_at, '[)'), booking_id, $1::timestamptz
    from ${SETS.slots}
   order by resource_id collate "C", starts_at
), new_pools as (
  insert into pool_claims (event_id, quantity, booking_id, claimed_at)
  select event_id, quantity, booking_id, $1::timestamptz
    from ${SETS.pools}
), new_places as (
  insert into pool_places (event_id, place_number, booking_id)
  select event_id, place_number, booking_id
    from ${SETS.places}
   order by event_id collate "C", place_number
), reused_places as (
  delete from pool_free_places free
   using ${SETS.reused}
   where free.event_id = row.event_id and free.place_number = row.place_number
), new_keys as (
  insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
  select user_id, key, fingerprint, status::smallint, headers::jsonb, body, $1::timestamptz
    from ${SETS.keys}
), new_messages as (
  insert into outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
  select id, subject, ordering_key, family, seq, payload, traceparent, $1::timestamptz, $1::timestamptz
    from ${SETS.messages}
), new_history as (
  insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
  select booking_id, version, from_status, 'HELD', reason, actor, cause, $1::timestamptz
    from ${SETS.history}
), new_quotes as (
  insert into booking_quotes (booking_id, quote_id, nonce, key_id, signed_body, signature, expires_at, used_at)
  select booking_id, quote_id, nonce, key_id, signed_body, signature, expires_at, $1::timestamptz
    from ${SETS.quotes}
), changed_events as (
  update events
     set claimed = events.claimed + row.claimed,
         places_given = events.places_given + row.places_given,
         inventory_version = inventory_version + 1
    from ${SETS.events}
   where events.id = row.id
)
update resources
   set inventory_version = inventory_version + 1
  from ${SETS.resources}
 where resources.id = row.id`;

type CalledFor = HoldWrite & { readonly call: NonNullable<HoldWrite['call']> };

function isCalledFor(write: HoldWrite): write is CalledFor {
  return write.call !== null;
}

/** Gives PENDING bookings what was offered to them. @throws Error when one is not as the line showed it: then nothing is offered. */
async function turnIntoHolds(tx: Tx, offers: readonly HoldWrite[]): Promise<void> {
  const { rowCount } = await tx.query({
    name: 'offer-write',
    text: `update bookings b
              set status = 'HELD', seats = row.seats, quantity = row.quantity, starts_at = row.starts_at, ends_at = row.ends_at,
                  time_zone = row.time_zone, title = row.title, venue = row.venue, refund_policy = row.refund_policy, moved_refund = null, refund_starts_at = null,
                  price_amount = row.price_amount, price_currency = row.price_currency, price_lines = row.price_lines,
                  hold_expires_at = row.hold_expires_at, hold_seq = row.hold_seq, booking_seq = row.booking_seq,
                  version = row.version, updated_at = row.updated_at
             from json_populate_recordset(null::bookings, $1::json) row
            where b.id = row.id
              and b.status = 'PENDING'
              and b.version = row.version - 1`,
    values: [JSON.stringify(offers.map(({ row }) => toBookingRecord(row)))],
  });
  if (rowCount !== offers.length) throw new Error(`${offers.length - (rowCount ?? 0)} offers met no waiting booking`);
}
