import type { BookingStatus } from '@holdfast/shared/contracts/bookings';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId, EventId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { rescheduled } from '../events.ts';
import { countSettled, moveRows, readLatestReschedule, takeWaiting, type Waiting } from './reschedule-store.ts';

/** Whoever has a place is told, and who waits for one: the new time may not suit them. */
const TOLD: readonly BookingStatus[] = ['PENDING', 'HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN'];

/**
 * Lets bookings follow their event in the caller's transaction, which has locked the event: the new time, the refund that comes with
 * it, and a notice to each customer, together. Returns those that have another time now.
 */
export async function moveBookings(tx: Tx, eventId: EventId, which: Waiting): Promise<BookingId[]> {
  const waiting = await takeWaiting(tx, eventId, which);
  if (waiting.length === 0 && 'booking' in which) return [];
  const moved = await moveRows(tx, eventId, waiting, TOLD);
  if (moved.length > 0) {
    const job = (await readLatestReschedule(tx, eventId))!;
    const cause = { id: job.request_id, traceparent: job.traceparent };
    const notices = moved
      .filter((row) => TOLD.includes(row.status))
      .map((row) => rescheduled(row, { starts_at: row.was_starts_at, ends_at: row.was_ends_at }, job.reason, cause));
    await appendToOutbox(tx, '/booking', notices);
  }
  await countSettled(tx, eventId, waiting.length);
  return moved.map((row) => row.id);
}
