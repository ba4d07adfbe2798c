import { amountToJson } from '@holdfast/shared/money';
import type { OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import type { BookingRow, ToldBooking } from './bookings/booking-row.ts';

/** What led to an event: a request or a message, with its trace. */
export interface Cause {
  readonly id: string;
  readonly traceparent: string | null;
}

/** A ticket as the customer gets it. */
export interface TicketText {
  readonly place: string;
  readonly code: string;
}

/** A hold was taken. */
export function held(row: BookingRow, cause: Cause, at: Date): OutgoingEvent {
  return {
    family: 'hold',
    name: 'held',
    orderingKey: row.id,
    seq: row.hold_seq,
    cause: cause.id,
    traceparent: cause.traceparent,
    at,
    data: {
      booking_id: row.id,
      user_id: row.user_id,
      reference: row.reference,
      inventory: row.inventory,
      event_id: row.event_id,
      resource_id: row.resource_id,
      seats: row.seats,
      quantity: row.quantity,
      hold_expires_at: row.hold_expires_at!.toISOString(),
    },
  };
}

/** The customer got more time. `row` is the booking after it. */
export function holdExtended(row: BookingRow, cause: Cause, at: Date): OutgoingEvent {
  return {
    family: 'hold',
    name: 'extended',
    orderingKey: row.id,
    seq: row.hold_seq,
    cause: cause.id,
    traceparent: cause.traceparent,
    at,
    data: { booking_id: row.id, user_id: row.user_id, hold_expires_at: row.hold_expires_at!.toISOString() },
  };
}

/** What somebody waited for is free, and held for them until `hold_expires_at`. */
export function offered(row: BookingRow, cause: Cause, at: Date): OutgoingEvent {
  return outcome('offered', row, cause, at, { hold_expires_at: row.hold_expires_at!.toISOString() });
}

/** Why an occurrence of a series could not be held. */
export type LostBecause = 'taken' | 'closed' | 'archived' | 'too_late';

/** What became of a booking: an end of the checkout, a good one or not, or a hold to pay for. `row` is the booking after the change. */
export function outcome(
  name: 'offered' | 'confirmed' | 'cancelled' | 'expired' | 'failed' | 'payment_due',
  row: ToldBooking,
  cause: Cause,
  at: Date,
  more: {
    readonly reason?: string;
    readonly tickets?: readonly TicketText[];
    readonly hold_expires_at?: string;
    readonly lost?: LostBecause;
    readonly occurrences?: number;
    readonly told_with?: string;
    readonly pay_until?: string;
  } = {},
): OutgoingEvent {
  return {
    family: 'booking',
    name,
    orderingKey: row.id,
    seq: row.booking_seq,
    cause: cause.id,
    traceparent: cause.traceparent,
    at,
    data: { ...snapshotOf(row), ...more },
  };
}

/** Its event takes place at another time. `row` is the booking with the new one, `before` what it had. */
export function rescheduled(
  row: BookingRow,
  before: Pick<BookingRow, 'starts_at' | 'ends_at'>,
  reason: string,
  cause: Cause,
): OutgoingEvent {
  return {
    family: 'booking',
    name: 'rescheduled',
    orderingKey: row.id,
    seq: row.booking_seq,
    cause: cause.id,
    traceparent: cause.traceparent,
    at: row.updated_at,
    data: {
      ...snapshotOf(row),
      status: row.status,
      reason,
      previous: { starts_at: before.starts_at.toISOString(), ends_at: before.ends_at.toISOString() },
      refund: row.moved_refund,
    },
  };
}

/** Everything that a message to the customer needs. */
function snapshotOf(row: ToldBooking) {
  return {
    booking_id: row.id,
    reference: row.reference,
    user_id: row.user_id,
    contact: { email: row.contact_email, name: row.contact_name },
    inventory: row.inventory,
    title: row.title,
    venue: row.venue,
    seats: row.seats,
    quantity: row.quantity,
    starts_at: row.starts_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    time_zone: row.time_zone,
    amount: amountToJson(row.price_amount),
    currency: row.price_currency,
    ...(row.series_id === null ? {} : { series_id: row.series_id }),
    calendar_sequence: row.moved_count,
    ...(row.waitlist_entry_id === null
      ? {}
      : { waitlist: { entry_id: row.waitlist_entry_id, offered: row.hold_expires_at !== null } }),
  };
}

/** The checkout saga asks the payment service for something. */
export function checkoutCommand(
  name: 'authorisation_requested' | 'capture_requested' | 'void_requested' | 'refund_requested',
  row: BookingRow,
  data: Readonly<Record<string, unknown>>,
  cause: Cause,
  at: Date,
): OutgoingEvent {
  return {
    family: 'checkout',
    name,
    orderingKey: row.id,
    seq: row.checkout_seq,
    cause: cause.id,
    traceparent: cause.traceparent,
    at,
    data: { booking_id: row.id, payment_id: row.payment_id, ...data },
  };
}
