import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { EventId } from '@holdfast/shared/ids';
import type { BookingRow } from '../bookings/booking-row.ts';
import { moveBookings } from './move-bookings.ts';
import { dropReschedule, moveExpired, readWaitingMove } from './reschedule-store.ts';

/**
 * Lets one booking follow its event now, if the job has not come to it yet: what is decided about it next must go by the event's time.
 * The caller has locked the inventory, and locks the booking after this.
 */
export async function followEvent(tx: Tx, booking: Pick<BookingRow, 'id' | 'event_id'>): Promise<void> {
  if (booking.event_id !== null) await moveBookings(tx, booking.event_id, { booking: booking.id });
}

/** The booking as it will be when the job has come to it; for those who only look. */
export async function asFollowed(db: Queryable, row: BookingRow): Promise<BookingRow> {
  const move = row.event_id === null ? null : await readWaitingMove(db, row.id);
  if (!move) return row;
  const promised = row.refund_starts_at ?? row.starts_at;
  return {
    ...row,
    starts_at: move.starts_at,
    ends_at: move.ends_at,
    refund_starts_at: promised > move.starts_at ? promised : move.starts_at,
    moved_refund: row.moved_refund === 'full' ? 'full' : move.refund,
  };
}

/** Nobody follows an event any more that does not take place. The caller has locked the event. */
export async function stopFollowing(tx: Tx, eventId: EventId): Promise<void> {
  await dropReschedule(tx, eventId);
}

/**
 * For an event that has another time and on which nobody counts: a booking that expired while it was being paid may still come back, and
 * is for the new time then. The caller has locked the event.
 */
export async function followUncounted(tx: Tx, eventId: EventId): Promise<void> {
  await moveExpired(tx, eventId);
}
