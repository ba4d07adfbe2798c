import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId, Id, UserId } from '@holdfast/shared/ids';
import { firstExpiry, offerExpiry, type HoldTimes } from '../bookings/booking.ts';
import { toBookingJson, type BookingRow } from '../bookings/booking-row.ts';
import type { Cause } from '../events.ts';
import { toPriceLineJson } from '../pricing/price-line.ts';
import { formatReference } from './booking-reference.ts';
import type { GrantedHold } from './decide-holds.ts';
import { holderOf, type HoldCommand } from './hold-command.ts';
import type { Offer } from './serve-lines.ts';

/** A granted hold with everything that its rows need. */
export interface HoldWrite {
  readonly hold: GrantedHold;
  readonly row: BookingRow;
  readonly actor: string;
  readonly cause: Cause;
  /** The call that asked for it, with its answer; null for an offer, whose booking is PENDING and waits for it. */
  readonly call: { readonly command: HoldCommand; readonly answer: StoredAnswer } | null;
}

/** Who a new booking is for, and its identity. */
export interface Identity {
  readonly id: BookingId;
  readonly reference: string;
  readonly userId: UserId;
  readonly email: string;
  readonly name: string;
  readonly waitlistEntryId: Id<'wtl'> | null;
}

/** Makes the booking row and the 201 answer of a hold that a call asked for. */
export function composeHold(
  command: HoldCommand,
  hold: GrantedHold,
  referenceNumber: number,
  now: Date,
  times: HoldTimes,
): HoldWrite {
  const { caller } = command;
  const { email, name } = command.customer ?? caller;
  const identity: Identity = {
    id: hold.bookingId,
    reference: formatReference(referenceNumber, now),
    userId: holderOf(command),
    email: email ?? '',
    name: name ?? '',
    waitlistEntryId: null,
  };
  const row: BookingRow = {
    ...newBooking(identity, hold, now),
    hold_expires_at: firstExpiry(now, times),
    hold_seq: 1,
  };
  const answer: StoredAnswer = {
    status: 201,
    headers: { location: `/v1/bookings/${row.id}`, etag: '"1"' },
    body: JSON.stringify(toBookingJson(row, now)),
  };
  const cause = { id: caller.requestId, traceparent: caller.traceparent };
  return { hold, row, actor: caller.userId, cause, call: { command, answer } };
}

/** Makes the row that a PENDING booking becomes when what it waited for is offered: priced now, with a time of its own. */
export function composeOffer({ waiter, hold }: Offer, cause: Cause, now: Date, times: HoldTimes): HoldWrite {
  const { booking } = waiter;
  const identity: Identity = {
    id: booking.id,
    reference: booking.reference,
    userId: booking.userId,
    email: booking.contactEmail,
    name: booking.contactName,
    waitlistEntryId: waiter.entryId,
  };
  const fresh = newBooking(identity, hold, now);
  const row: BookingRow = {
    ...fresh,
    hold_expires_at: offerExpiry(now, fresh.starts_at, times),
    hold_seq: 1,
    booking_seq: booking.bookingSeq + 1,
    moved_count: booking.movedCount,
    version: booking.version + 1,
    created_at: booking.createdAt,
  };
  return { hold, row, actor: 'system', cause, call: null };
}

/** The row of a booking of these places as it is before anything happened to it; HELD, and without an expiry yet. */
export function newBooking(identity: Identity, { place, price, lines }: GrantedHold, now: Date): BookingRow {
  const where = place.kind === 'slots' ? place.resource : place.event;
  return {
    id: identity.id,
    reference: identity.reference,
    user_id: identity.userId,
    waitlist_entry_id: identity.waitlistEntryId,
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
    price_lines: lines.map(toPriceLineJson),
    contact_email: identity.email,
    contact_name: identity.name,
    hold_expires_at: null,
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
    hold_seq: 0,
    booking_seq: 0,
    checkout_seq: 0,
    version: 1,
    created_at: now,
    updated_at: now,
  };
}
