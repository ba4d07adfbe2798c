import type { Tx } from '@holdfast/shared/db/transaction';
import { toOutboxRows, type OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import { NEW_BOOKING_COLUMNS, toBookingRecord, type BookingRow } from '../bookings/booking-row.ts';
import { held, offered } from '../events.ts';
import type { Quote } from '../quotes/quote-rules.ts';
import type { HoldWrite } from './compose-hold.ts';
import type { GrantedHold } from './decide-holds.ts';
import type { HoldCommand } from './hold-command.ts';

/**
 * Writes the winners of a batch in one statement: bookings, claims, history, idempotency answers, outbox rows and the counters of the
 * inventory. Sorted, so that two batches insert into the unique indexes in the same order. The constraints have the last word.
 */
export async function writeHolds(tx: Tx, writes: readonly HoldWrite[], now: Date): Promise<void> {
  if (writes.length === 0) return;
  const calls = writes.filter(isCalledFor);
  const offers = writes.filter(({ call }) => call === null);
  if (offers.length > 0) await turnIntoHolds(tx, offers);
  const bookings = calls.map(({ row }) => toBookingRecord(row));
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
  const keys = calls.map(({ call: { command, answer } }) => ({
    user_id: command.caller.userId,
    key: command.key,
    fingerprint: command.fingerprint,
    status: answer.status,
    headers: answer.headers,
    body: answer.body,
  }));
  const outbox = toOutboxRows(
    '/booking',
    writes.flatMap(({ row, cause, call }): OutgoingEvent[] =>
      call === null ? [held(row, cause, now), offered(row, cause, now)] : [held(row, cause, now)],
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
  const quotes = writes.flatMap(({ hold: { quote }, row }) => (quote ? [toQuoteRow(row, quote)] : []));
  const causes = writes.map(({ hold, row, actor, cause, call }) => ({
    booking_id: row.id,
    version: row.version,
    from_status: call === null ? 'PENDING' : null,
    reason: call === null ? 'offered from the waitlist' : reasonOf(call.command, hold),
    actor,
    cause: cause.id,
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
      .concat(now.toISOString(), JSON.stringify(quotes)),
  });
}

/** What the history says of the hold, so that its price can be explained. */
function reasonOf({ pricing }: HoldCommand, { quote, place }: GrantedHold): string {
  if (quote) return 'held at a quoted price';
  const isQuoted = place.kind !== 'slots' && place.event.pricing === 'quoted';
  return isQuoted && pricing?.kind === 'list' ? 'held at the list price, no quote could be had' : 'held';
}

function toQuoteRow(row: BookingRow, { id, nonce, expiresAt, signed }: Quote): object {
  return {
    booking_id: row.id,
    quote_id: id,
    nonce,
    key_id: signed.keyId,
    signed_body: signed.body,
    signature: signed.signature,
    expires_at: expiresAt,
  };
}

// One statement with a branch per table. A branch whose rows are empty costs next to nothing. Times are given, since a default of
// clock.app_now() would be asked for each row.
const WRITE_HOLDS = `
with new_bookings as (
  insert into bookings (${NEW_BOOKING_COLUMNS})
  select ${NEW_BOOKING_COLUMNS}
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
  select booking_id, version, from_status, 'HELD', reason, actor, cause, $12::timestamptz
    from json_to_recordset($9::json) as row (booking_id text, version int, from_status text, reason text, actor text, cause text)
), new_quotes as (
  insert into booking_quotes (booking_id, quote_id, nonce, key_id, signed_body, signature, expires_at, used_at)
  select booking_id, quote_id, nonce, key_id, signed_body, signature, expires_at, $12::timestamptz
    from json_to_recordset($13::json) as row (booking_id text, quote_id text, nonce text, key_id text, signed_body text, signature text, expires_at timestamptz)
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
