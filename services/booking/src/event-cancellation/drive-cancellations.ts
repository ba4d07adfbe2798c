import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import type { Logger } from 'pino';
import { holdsInventory } from '../bookings/booking.ts';
import { lockBookings } from '../bookings/booking-store.ts';
import type { BookingWatch } from '../bookings/booking-watch.ts';
import { cancelAllLocked } from '../bookings/cancel-locked-booking.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import {
  dueBookings,
  lockBookingsOfJob,
  settleBookings,
  settleFailure,
  takeTurn,
  type CancellationRow,
} from './cancellation-store.ts';

export interface CancellationDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
  readonly logger: Logger;
}

/** Bookings a second of one job, all processes together: each may ask the provider for a refund. */
const RATE = 300;
/** Bookings of one transaction; it keeps the event's lock for the tenth of a second that they take. */
export const BATCH = 30;
/** What one turn puts the next one off by. */
export const TURN_SECONDS = BATCH / RATE;
/** Failures after which a person has to look. */
const MAX_TRIES = 10;

/**
 * Carries the cancellation of events on by one batch. The job lives in its rows alone, so any process takes its next turn, also after
 * the one before was killed: what it had not committed is still to be done, what it had is not done twice.
 */
export async function driveCancellations(deps: CancellationDeps): Promise<{ cancelled: number; more: boolean }> {
  const job = await withTransaction(deps.pool, (tx) => takeTurn(tx, TURN_SECONDS));
  if (!job) return { cancelled: 0, more: false };
  const due = await dueBookings(deps.pool, job.event_id, BATCH);
  const done = await cancelTogether(deps, job, due);
  if (done.length > 0) deps.onCommit();
  for (const id of done) deps.watch.changed(id);
  return { cancelled: done.length, more: true };
}

/** All of a batch in one transaction; where one of them cannot be cancelled, each alone, so that it keeps nobody else's money. */
async function cancelTogether(
  deps: CancellationDeps,
  job: CancellationRow,
  ids: readonly BookingId[],
): Promise<BookingId[]> {
  try {
    return await withTransaction(deps.pool, (tx) => cancelBatch(tx, job, ids));
  } catch (error) {
    if (ids.length > 1) {
      const done: BookingId[] = [];
      for (const id of ids) done.push(...(await cancelTogether(deps, job, [id])));
      return done;
    }
    const [bookingId] = ids as [BookingId];
    deps.logger.error({ err: error, booking_id: bookingId, event_id: job.event_id }, 'booking could not be cancelled');
    await withTransaction(deps.pool, async (tx) => {
      await lockInventory(tx, [{ event_id: job.event_id, resource_id: null }]);
      await settleFailure(tx, job.event_id, { bookingId, error: (error as Error).message, maxTries: MAX_TRIES });
    });
    return [];
  }
}

async function cancelBatch(tx: Tx, job: CancellationRow, ids: readonly BookingId[]): Promise<BookingId[]> {
  await lockInventory(tx, [{ event_id: job.event_id, resource_id: null }]);
  const locked = await lockBookings(tx, await lockBookingsOfJob(tx, job.event_id, ids));
  // One that is not live any more ended by itself since the event was closed: expired, failed, or cancelled by the customer with
  // everything back.
  const live = new Map([...locked].filter(([, { row }]) => holdsInventory(row.status) || row.status === 'PENDING'));
  const cancelled = await cancelAllLocked(tx, live, {
    reason: job.reason,
    actor: job.requested_by,
    cause: { id: job.request_id, traceparent: job.traceparent },
    refund: 'full',
  });
  // One that is being captured has its wish kept, and is looked at again when the outcome may be known.
  const later = [...cancelled].flatMap(([id, { waiting }]) => (waiting ? [id] : []));
  for (const [id, { row, waiting }] of cancelled) {
    if (!waiting && row.status !== 'CANCELLED') throw new Error(`booking ${id} stayed ${row.status}`);
  }
  const done = [...locked.keys()].filter((id) => !later.includes(id));
  await settleBookings(tx, job.event_id, { done, later });
  return done;
}
