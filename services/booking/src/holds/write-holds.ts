import type { Tx } from '@holdfast/shared/db/transaction';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { amountToJson } from '@holdfast/shared/money';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { firstExpiry, type HoldTimes } from '../bookings/booking.ts';
import { toBookingJson, type BookingRow } from '../bookings/booking-row.ts';
import { held } from '../events.ts';
import type { GrantedHold } from './decide-holds.ts';
import type { HoldCommand } from './hold-command.ts';
import { formatReference } from './booking-reference.ts';

/** A granted hold with everything that its rows and its answer need. */
export interface HoldWrite {
  readonly command: HoldCommand;
  readonly hold: GrantedHold;
  readonly row: BookingRow;
  readonly answer: StoredAnswer;
}

/** Makes the booking row and the 201 answer of a granted hold. */
export function composeHold(
  command: HoldCommand,
  hold: GrantedHold,
  referenceNumber: number,
  now: Date,
  times: HoldTimes,
): HoldWrite {
  const { place, price } = hold;
  const where = place.kind === 'slots' ? place.resource : place.event;
  const row: BookingRow = {
    id: hold.bookingId,
    reference: formatReference(referenceNumber, now),
    user_id: command.caller.userId,
    status: 'HELD',
    inventory: place.kind,
    event_id: place.kind === 'slots' ? null : place.event.id,
    resource_id: place.kind === 'slots' ? place.resource.id : null,
    series_id: null,
    seats: place.kind === 'seats' ? [...place.seats] : place.kind === 'pool' ? place.numbers.map(String) : [],
    quantity: place.kind === 'seats' ? place.seats.length : place.kind === 'pool' ? place.quantity : 1,
    starts_at: place.kind === 'slots' ? place.startsAt : place.event.startsAt,
    ends_at: place.kind === 'slots' ? place.endsAt : place.event.endsAt,
    time_zone: where.timeZone,
    title: where.name,
    venue: where.venueName,
    refund_policy: where.refundPolicy,
    moved_count: 0,
    moved_refund: null,
    refund_starts_at: null,
    price_amount: price.amount,
    price_currency: price.currency,
    price_lines: hold.lines.map(({ label, category, quantity, unitAmount }) => ({
      label,
      category,
      quantity,
      unit_amount: amountToJson(unitAmount),
      amount: amountToJson(unitAmount * BigInt(quantity)),
    })),
    contact_email: command.caller.email ?? '',
    contact_name: command.caller.name ?? '',
    hold_expires_at: firstExpiry(now, times),
    extended_at: null,
    pinned_at: null,
    cancel_requested_at: null,
    cancel_reason: null,
    cancel_refund: null,
    checked_in_at: null,
    attended: null,
    payment_id: null,
    payment_status: null,
    payment_attempt: 0,
    payment_decline_reason: null,
    payment_redirect_url: null,
    refund_id: null,
    refund_status: null,
    refund_amount: null,
    hold_seq: 1,
    booking_seq: 0,
    checkout_seq: 0,
    version: 1,
    created_at: now,
    updated_at: now,
  };
  const answer: StoredAnswer = {
    status: 201,
    headers: { location: `/v1/bookings/${row.id}`, etag: '"1"' },
    body: JSON.stringify(toBookingJson(row, now)),
  };
  return { command, hold, row, answer };
}

/**
 * Writes the winners of a batch in one statement: bookings, claims, history, idempotency answers, outbox rows and the counters of the
 * inventory. Sorted, so that two batches insert into the unique indexes in the same order. The constraints have the last word.
 */
export async function writeHolds(tx: Tx, writes: readonly HoldWrite[], now: Date): Promise<void> {
  if (writes.length === 0) return;
  const bookings = writes.map(({ row }) => ({ ...row, price_amount: amountToJson(row.price_amount) }));
  const seats: object[] = [];
  const slots: object[] = [];
  const pools: object[] = [];
  const places: object[] = [];
  const reused: object[] = [];
  const events = new Map<string, { id: string; claimed: number; places_given: number }>();
  const resources = new Set<string>();
  for (const { hold, row } of writes) {
    const { place } = hold;
    if (place.kind === 'slots') {
      slots.push({
        resource_id: place.resource.id,
        booking_id: row.id,
        starts_at: place.startsAt,
        ends_at: place.endsAt,
      });
      resources.add(place.resource.id);
      continue;
    }
    const event = events.get(place.event.id) ?? { id: place.event.id, claimed: 0, places_given: 0 };
    events.set(event.id, event);
    if (place.kind === 'seats') {
      for (const seat of place.seats) seats.push({ event_id: event.id, seat, booking_id: row.id });
    } else {
      event.claimed += place.quantity;
      event.places_given += place.numbers.length - place.fromFree.length;
      pools.push({ event_id: event.id, quantity: place.quantity, booking_id: row.id });
      for (const number of place.numbers) places.push({ event_id: event.id, place_number: number, booking_id: row.id });
      for (const number of place.fromFree) reused.push({ event_id: event.id, place_number: number });
    }
  }
  const keys = writes.map(({ command, answer }) => ({
    user_id: command.caller.userId,
    key: command.key,
    fingerprint: command.fingerprint,
    status: answer.status,
    headers: answer.headers,
    body: answer.body,
  }));
  const outbox = toOutboxRows(
    '/booking',
    writes.map(({ command: { caller }, row }) =>
      held(row, { id: caller.requestId, traceparent: caller.traceparent }, now),
    ),
  );
  const messages = outbox.ids.map((id, i) => ({
    id,
    subject: outbox.subjects[i],
    ordering_key: outbox.orderingKeys[i],
    family: outbox.families[i],
    seq: outbox.seqs[i],
    payload: outbox.payloads[i],
    traceparent: outbox.traceparents[i],
  }));
  const causes = writes.map(({ command, row }) => ({
    booking_id: row.id,
    actor: command.caller.userId,
    cause: command.caller.requestId,
  }));

  await tx.query({
    name: 'hold-write',
    text: WRITE_HOLDS,
    values: [
      bookings,
      seats,
      slots,
      pools,
      places,
      reused,
      keys,
      messages,
      causes,
      [...events.values()],
      [...resources],
    ]
      .map((rows) => JSON.stringify(rows))
      .concat(now.toISOString()),
  });
}

// One statement with a branch per table. A branch whose rows are empty costs next to nothing. Times are given, since a default of
// clock.app_now() would be asked for each row.
const WRITE_HOLDS = `
with new_bookings as (
  insert into bookings (id, reference, user_id, status, inventory, event_id, resource_id, seats, quantity, starts_at, ends_at,
                        time_zone, title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email,
                        contact_name, hold_expires_at, hold_seq, created_at, updated_at)
  select id, reference, user_id, status, inventory, event_id, resource_id, seats, quantity, starts_at, ends_at,
         time_zone, title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email,
         contact_name, hold_expires_at, hold_seq, created_at, updated_at
    from json_populate_recordset(null::bookings, $1::json)
), new_seats as (
  insert into seat_claims (event_id, seat, booking_id, claimed_at)
  select event_id, seat, booking_id, $12::timestamptz
    from json_to_recordset($2::json) as row (event_id text, seat text, booking_id text)
   order by event_id, seat
), new_slots as (
  insert into slot_claims (resource_id, during, booking_id, claimed_at)
  select resource_id, tstzrange(starts_at, ends_at, '[)'), booking_id, $12::timestamptz
    from json_to_recordset($3::json) as row (resource_id text, booking_id text, starts_at timestamptz, ends_at timestamptz)
   order by resource_id, starts_at
), new_pools as (
  insert into pool_claims (event_id, quantity, booking_id, claimed_at)
  select event_id, quantity, booking_id, $12::timestamptz
    from json_to_recordset($4::json) as row (event_id text, quantity int, booking_id text)
), new_places as (
  insert into pool_places (event_id, place_number, booking_id)
  select event_id, place_number, booking_id
    from json_to_recordset($5::json) as row (event_id text, place_number int, booking_id text)
   order by event_id, place_number
), reused_places as (
  delete from pool_free_places free
   using json_to_recordset($6::json) as row (event_id text, place_number int)
   where free.event_id = row.event_id and free.place_number = row.place_number
), new_keys as (
  insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
  select user_id, key, fingerprint, status, headers, body, $12::timestamptz
    from json_to_recordset($7::json) as row (user_id text, key text, fingerprint text, status smallint, headers jsonb, body text)
), new_messages as (
  insert into outbox (id, subject, ordering_key, family, seq, payload, traceparent, created_at, available_at)
  select id, subject, ordering_key, family, seq, payload, traceparent, $12::timestamptz, $12::timestamptz
    from json_to_recordset($8::json) as row (id text, subject text, ordering_key text, family text, seq int, payload text, traceparent text)
), new_history as (
  insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
  select booking_id, 1, null, 'HELD', 'held', actor, cause, $12::timestamptz
    from json_to_recordset($9::json) as row (booking_id text, actor text, cause text)
), changed_events as (
  update events
     set claimed = events.claimed + row.claimed,
         places_given = events.places_given + row.places_given,
         inventory_version = inventory_version + 1
    from json_to_recordset($10::json) as row (id text, claimed int, places_given int)
   where events.id = row.id
)
update resources
   set inventory_version = inventory_version + 1
 where id in (select json_array_elements_text($11::json))`;
