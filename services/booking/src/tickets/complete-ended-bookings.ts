import type { Pool } from '@holdfast/shared/db/pool';
import { newId, type BookingId } from '@holdfast/shared/ids';
import type { BookingWatch } from '../bookings/booking-watch.ts';

export interface CompleteDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
}

/** Bookings that one round takes. */
const BATCH = 1_000;

/**
 * Completes what has ended: attended where somebody was checked in. Any number of processes may run this: each takes rows that no
 * other has, and the UPDATE names the state that it found.
 */
export async function completeEndedBookings(deps: CompleteDeps): Promise<{ completed: number; more: boolean }> {
  const { rows } = await deps.pool.query<{ id: BookingId }>(
    `with ended as (
       select id, status
         from bookings
        where status in ('CONFIRMED', 'CHECKED_IN')
          and ends_at <= clock.app_now()
          -- What a cancelled event leaves is to be paid back; of one that was moved a booking may not have followed yet.
          and not exists (select from events e
                           where e.id = bookings.event_id
                             and (e.cancelled_at is not null or e.ends_at > clock.app_now()))
        order by ends_at
        limit ${BATCH}
          for update skip locked
     ), changed as (
       update bookings b
          set status = 'COMPLETED', attended = (e.status = 'CHECKED_IN'), version = b.version + 1, updated_at = clock.app_now()
         from ended e
        where b.id = e.id
          and b.status = e.status
       returning b.id, b.version, e.status as from_status, b.updated_at
     ), history as (
       insert into booking_history (booking_id, version, from_status, to_status, reason, actor, cause, at)
       select id, version, from_status, 'COMPLETED', 'its time is over', 'system', $1, updated_at from changed
     )
     select id from changed`,
    [newId('req')],
  );
  for (const { id } of rows) deps.watch.changed(id);
  return { completed: rows.length, more: rows.length === BATCH };
}
