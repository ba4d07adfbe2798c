import type { Queryable } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { BOOKING_COLUMNS, type BookingRow } from './booking-row.ts';

export interface AttemptResult {
  /** CONFIRMED, DECLINED, FAILED, ABANDONED; null while it runs. */
  readonly outcome: string | null;
  readonly declineReason: string | null;
}

/** The booking together with what became of one of its payment attempts, in one snapshot. */
export async function readAttempt(
  db: Queryable,
  bookingId: BookingId,
  attempt: number,
): Promise<{ row: BookingRow; now: Date; result: AttemptResult }> {
  const { rows } = await db.query<BookingRow & { now: Date; outcome: string | null; decline_reason: string | null }>({
    name: 'read-attempt',
    text: `select ${BOOKING_COLUMNS.replace(/\bid\b/, 'bookings.id')}, clock.app_now() as now, a.outcome, a.decline_reason
             from bookings
             left join (select booking_id, outcome, decline_reason from checkout_attempts where attempt = $2) a
               on a.booking_id = bookings.id
            where bookings.id = $1`,
    values: [bookingId, attempt],
  });
  const row = rows[0]!;
  return { row, now: row.now, result: { outcome: row.outcome, declineReason: row.decline_reason } };
}
