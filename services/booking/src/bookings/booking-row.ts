import type { BookingJson, BookingStatus, PaymentStatus } from '@holdfast/shared/contracts/bookings';
import type { BookingId, EventId, Id, PaymentId, ResourceId, UserId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { PriceLineJson } from '../pricing/price-line.ts';
import type { RefundRule, RefundWindow } from './refund-policy.ts';

/** A row of `bookings` as the stores read it; amounts in minor units. */
export interface BookingRow {
  readonly id: BookingId;
  readonly reference: string;
  readonly user_id: UserId;
  /** Of a booking that began as a wait for its places. */
  readonly waitlist_entry_id: Id<'wtl'> | null;
  readonly status: BookingStatus;
  readonly inventory: 'slots' | 'seats' | 'pool';
  readonly event_id: EventId | null;
  readonly resource_id: ResourceId | null;
  /** Set for an occurrence of a series. */
  readonly series_id: Id<'ser'> | null;
  readonly seats: string[];
  readonly quantity: number;
  readonly starts_at: Date;
  readonly ends_at: Date;
  readonly time_zone: string;
  readonly title: string;
  readonly venue: string;
  readonly refund_policy: RefundWindow[];
  /** How often its event was moved: the SEQUENCE of its calendar entry. */
  readonly moved_count: number;
  /** What it gives back because its event was moved; null where it never was. */
  readonly moved_refund: RefundRule | null;
  /** The latest start that was promised: refund windows are counted to it. Null where that is `starts_at`. */
  readonly refund_starts_at: Date | null;
  readonly price_amount: bigint;
  readonly price_currency: string;
  readonly price_lines: PriceLineJson[];
  readonly contact_email: string;
  readonly contact_name: string;
  readonly hold_expires_at: Date | null;
  readonly extended_at: Date | null;
  readonly pinned_at: Date | null;
  readonly cancel_requested_at: Date | null;
  readonly cancel_reason: string | null;
  /** What a cancellation that waits for a capture gives back. */
  readonly cancel_refund: RefundRule | null;
  readonly checked_in_at: Date | null;
  readonly attended: boolean | null;
  readonly payment_id: PaymentId | null;
  readonly payment_status: PaymentStatus | null;
  readonly payment_attempt: number;
  readonly payment_decline_reason: string | null;
  readonly payment_redirect_url: string | null;
  readonly refund_id: Id<'rfd'> | null;
  readonly refund_status: string | null;
  readonly refund_amount: bigint | null;
  readonly hold_seq: number;
  readonly booking_seq: number;
  readonly checkout_seq: number;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** The columns of `BookingRow`, for select lists. */
export const BOOKING_COLUMNS = `
  id, reference, user_id, waitlist_entry_id, status, inventory, event_id, resource_id, series_id, seats, quantity, starts_at, ends_at, time_zone, title, venue,
  refund_policy, moved_count, moved_refund, refund_starts_at, price_amount, price_currency, price_lines, contact_email, contact_name, hold_expires_at, extended_at, pinned_at,
  cancel_requested_at, cancel_reason, cancel_refund, checked_in_at, attended, payment_id, payment_status, payment_attempt, payment_decline_reason, payment_redirect_url,
  refund_id, refund_status, refund_amount, hold_seq, booking_seq, checkout_seq, version, created_at, updated_at`;

/** What a message about a booking is made of, in the order of `TOLD_COLUMNS`. */
export type ToldBooking = Pick<
  BookingRow,
  | 'id'
  | 'reference'
  | 'user_id'
  | 'contact_email'
  | 'contact_name'
  | 'inventory'
  | 'title'
  | 'venue'
  | 'seats'
  | 'quantity'
  | 'starts_at'
  | 'ends_at'
  | 'time_zone'
  | 'price_amount'
  | 'price_currency'
  | 'series_id'
  | 'moved_count'
  | 'waitlist_entry_id'
  | 'hold_expires_at'
  | 'booking_seq'
>;

/** The columns of `ToldBooking`: reading all of a row takes longer than the rest of what is done with each of many. */
export const TOLD_COLUMNS = `
  id, reference, user_id, contact_email, contact_name, inventory, title, venue, seats, quantity, starts_at, ends_at, time_zone,
  price_amount, price_currency, series_id, moved_count, waitlist_entry_id, hold_expires_at, booking_seq`;

/** Of the columns, those that a new booking may have values in; the others begin with their defaults. */
export const NEW_BOOKING_COLUMNS = `
  id, reference, user_id, waitlist_entry_id, status, inventory, event_id, resource_id, seats, quantity, starts_at, ends_at,
  time_zone, title, venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name, hold_expires_at,
  hold_seq, created_at, updated_at`;

/** A row as JSON that PostgreSQL reads into the columns of `bookings`. */
export function toBookingRecord(row: BookingRow): object {
  return { ...row, price_amount: amountToJson(row.price_amount) };
}

/** A booking as clients see it. `serverNow` stands beside the expiry, so that a countdown is the server's. */
export function toBookingJson(row: BookingRow, serverNow: Date): BookingJson {
  const amount = amountToJson(row.price_amount);
  return {
    id: row.id,
    object: 'booking',
    reference: row.reference,
    customer_id: row.user_id,
    status: row.status,
    inventory: row.inventory,
    event_id: row.event_id,
    resource_id: row.resource_id,
    series_id: row.series_id,
    waitlist_entry_id: row.waitlist_entry_id,
    seats: row.seats,
    quantity: row.quantity,
    starts_at: row.starts_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    time_zone: row.time_zone,
    price: { amount, currency: row.price_currency, lines: row.price_lines.map(withKind) },
    hold_expires_at: row.hold_expires_at?.toISOString() ?? null,
    cancel_requested_at: row.cancel_requested_at?.toISOString() ?? null,
    checked_in_at: row.checked_in_at?.toISOString() ?? null,
    attended: row.attended,
    server_now: serverNow.toISOString(),
    version: row.version,
    payment:
      row.payment_id === null || row.payment_status === null
        ? null
        : {
            id: row.payment_id,
            status: row.payment_status,
            attempt: row.payment_attempt,
            decline_reason: row.payment_decline_reason,
            next_action: row.payment_redirect_url === null ? null : { redirect_url: row.payment_redirect_url },
          },
    refund:
      row.refund_id === null || row.refund_amount === null
        ? null
        : {
            id: row.refund_id,
            status: row.refund_status ?? 'PENDING',
            amount: { amount: amountToJson(row.refund_amount), currency: row.price_currency },
          },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

function withKind(line: PriceLineJson): BookingJson['price']['lines'][number] {
  return { ...line, kind: line.kind ?? 'place' };
}
