import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { BookingWatch } from '../bookings/booking-watch.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { moveBookings } from './move-bookings.ts';
import { takeTurn } from './reschedule-store.ts';

export interface RescheduleDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

/** Bookings a second of one job, all processes together: each is a mail. */
const RATE = 500;
/** Bookings of one transaction, which keeps the event's lock while it lasts. */
export const BATCH = 100;
/** What one turn puts the next one off by. */
export const TURN_SECONDS = BATCH / RATE;

/**
 * Lets the next bookings of a moved event follow it. The job lives in its rows alone, so any process takes its next turn, also after
 * the one before was killed: a booking's new time, its notice and its place on the list are one commit.
 */
export async function driveReschedules(deps: RescheduleDeps): Promise<{ moved: number; more: boolean }> {
  const eventId = await withTransaction(deps.pool, (tx) => takeTurn(tx, TURN_SECONDS));
  if (eventId === null) return { moved: 0, more: false };
  const moved = await withTransaction(deps.pool, async (tx) => {
    await lockInventory(tx, [{ event_id: eventId, resource_id: null }]);
    return moveBookings(tx, eventId, { next: BATCH });
  });
  if (moved.length > 0) deps.onCommit();
  for (const id of moved) deps.watch.changed(id);
  return { moved: moved.length, more: true };
}
