import { arrayLiteral, rowSet, type RowSet } from '@holdfast/shared/db/row-set';
import type { OutboxRows } from '@holdfast/shared/outbox/outbox';
import type { BookingRow } from '../bookings/booking-row.ts';
import type { Quote } from '../quotes/quote-rules.ts';
import type { HoldWrite } from './compose-hold.ts';

/**
 * The rows that a batch of holds writes, table by table, as parameters of one statement. What PostgreSQL has no array for (a list, a
 * document, an amount) goes as its text and is cast in the statement.
 */

export const BOOKINGS = rowSet<BookingRow>([
  ['id', 'text', (row) => row.id],
  ['reference', 'text', (row) => row.reference],
  ['user_id', 'text', (row) => row.user_id],
  ['waitlist_entry_id', 'text', (row) => row.waitlist_entry_id],
  ['status', 'text', (row) => row.status],
  ['inventory', 'text', (row) => row.inventory],
  ['event_id', 'text', (row) => row.event_id],
  ['resource_id', 'text', (row) => row.resource_id],
  ['seats', 'text', (row) => arrayLiteral(row.seats)],
  ['quantity', 'int4', (row) => row.quantity],
  ['starts_at', 'timestamptz', (row) => row.starts_at],
  ['ends_at', 'timestamptz', (row) => row.ends_at],
  ['time_zone', 'text', (row) => row.time_zone],
  ['title', 'text', (row) => row.title],
  ['venue', 'text', (row) => row.venue],
  ['refund_policy', 'text', (row) => JSON.stringify(row.refund_policy)],
  ['price_amount', 'text', (row) => row.price_amount.toString()],
  ['price_currency', 'text', (row) => row.price_currency],
  ['price_lines', 'text', (row) => JSON.stringify(row.price_lines)],
  ['contact_email', 'text', (row) => row.contact_email],
  ['contact_name', 'text', (row) => row.contact_name],
  ['hold_expires_at', 'timestamptz', (row) => row.hold_expires_at],
  ['hold_seq', 'int4', (row) => row.hold_seq],
  ['created_at', 'timestamptz', (row) => row.created_at],
  ['updated_at', 'timestamptz', (row) => row.updated_at],
]);

export interface SeatRow {
  readonly eventId: string;
  readonly seat: string;
  readonly bookingId: string;
}
export const SEATS = rowSet<SeatRow>([
  ['event_id', 'text', (row) => row.eventId],
  ['seat', 'text', (row) => row.seat],
  ['booking_id', 'text', (row) => row.bookingId],
]);

export interface SlotRow {
  readonly resourceId: string;
  readonly bookingId: string;
  readonly startsAt: Date;
  readonly endsAt: Date;
}
export const SLOTS = rowSet<SlotRow>([
  ['resource_id', 'text', (row) => row.resourceId],
  ['booking_id', 'text', (row) => row.bookingId],
  ['starts_at', 'timestamptz', (row) => row.startsAt],
  ['ends_at', 'timestamptz', (row) => row.endsAt],
]);

export interface PoolRow {
  readonly eventId: string;
  readonly quantity: number;
  readonly bookingId: string;
}
export const POOLS = rowSet<PoolRow>([
  ['event_id', 'text', (row) => row.eventId],
  ['quantity', 'int4', (row) => row.quantity],
  ['booking_id', 'text', (row) => row.bookingId],
]);

export interface PlaceRow {
  readonly eventId: string;
  readonly number: number;
  readonly bookingId: string;
}
export const PLACES = rowSet<PlaceRow>([
  ['event_id', 'text', (row) => row.eventId],
  ['place_number', 'int4', (row) => row.number],
  ['booking_id', 'text', (row) => row.bookingId],
]);
export const REUSED_PLACES = rowSet<Omit<PlaceRow, 'bookingId'>>([
  ['event_id', 'text', (row) => row.eventId],
  ['place_number', 'int4', (row) => row.number],
]);

/** The answers that calls with these keys get from now on. */
export const KEYS = rowSet<NonNullable<HoldWrite['call']>>([
  ['user_id', 'text', ({ command }) => command.caller.userId],
  ['key', 'text', ({ command }) => command.key],
  ['fingerprint', 'text', ({ command }) => command.fingerprint],
  ['status', 'int4', ({ answer }) => answer.status],
  ['headers', 'text', ({ answer }) => JSON.stringify(answer.headers)],
  ['body', 'text', ({ answer }) => answer.body],
]);

export interface MessageRow {
  readonly of: OutboxRows;
  readonly index: number;
}
export const MESSAGES = rowSet<MessageRow>([
  ['id', 'text', ({ of, index }) => of.ids[index]!],
  ['subject', 'text', ({ of, index }) => of.subjects[index]!],
  ['ordering_key', 'text', ({ of, index }) => of.orderingKeys[index]!],
  ['family', 'text', ({ of, index }) => of.families[index]!],
  ['seq', 'int4', ({ of, index }) => of.seqs[index]!],
  ['payload', 'text', ({ of, index }) => of.payloads[index]!],
  ['traceparent', 'text', ({ of, index }) => of.traceparents[index] ?? null],
]);

export interface HistoryRow {
  readonly write: HoldWrite;
  readonly from: string | null;
  readonly reason: string;
}
export const HISTORY = rowSet<HistoryRow>([
  ['booking_id', 'text', ({ write }) => write.row.id],
  ['version', 'int4', ({ write }) => write.row.version],
  ['from_status', 'text', ({ from }) => from],
  ['reason', 'text', ({ reason }) => reason],
  ['actor', 'text', ({ write }) => write.actor],
  ['cause', 'text', ({ write }) => write.cause.id],
]);

export interface QuoteRow {
  readonly bookingId: string;
  readonly quote: Quote;
}
export const QUOTES = rowSet<QuoteRow>([
  ['booking_id', 'text', ({ bookingId }) => bookingId],
  ['quote_id', 'text', ({ quote }) => quote.id],
  ['nonce', 'text', ({ quote }) => quote.nonce],
  ['key_id', 'text', ({ quote }) => quote.signed.keyId],
  ['signed_body', 'text', ({ quote }) => quote.signed.body],
  ['signature', 'text', ({ quote }) => quote.signed.signature],
  ['expires_at', 'timestamptz', ({ quote }) => quote.expiresAt],
]);

/** What a batch adds to the counters of an event; one row an event, so a hot one is touched once. */
export interface EventChange {
  readonly id: string;
  claimed: number;
  placesGiven: number;
}
export const EVENT_CHANGES = rowSet<EventChange>([
  ['id', 'text', (row) => row.id],
  ['claimed', 'int4', (row) => row.claimed],
  ['places_given', 'int4', (row) => row.placesGiven],
]);

export const RESOURCES = rowSet<string>([['id', 'text', (id) => id]]);

/** Gives each set of rows the parameters after those before it; the first is the moment of the batch. */
export function numbered<Names extends string>(sets: Record<Names, RowSet<never>>): Record<Names, string> {
  let next = 2;
  const sources = {} as Record<Names, string>;
  for (const name of Object.keys(sets) as Names[]) {
    sources[name] = sets[name].from(next);
    next += sets[name].width;
  }
  return sources;
}
