import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { changeBooking, lockBooking, transition, type ReadBooking } from '../bookings/booking-store.ts';

export interface CompleteCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
}

/**
 * Closes a booking before the loop does. Whoever was not checked in has not attended. Twice is the same answer.
 * @throws Problem `not_found`, `not_completable`.
 */
export async function completeBooking(tx: Tx, command: CompleteCommand): Promise<ReadBooking> {
  const locked = await lockBooking(tx, command.bookingId);
  if (!locked) throw new Problem('not_found');
  const { row, now } = locked;
  if (row.status === 'COMPLETED') return locked;
  if (row.status !== 'CONFIRMED' && row.status !== 'CHECKED_IN') {
    throw new Problem('not_completable', { detail: `the booking is ${row.status}` });
  }
  await transition(tx, row, {
    to: 'COMPLETED',
    reason: 'completed by an operator',
    actor: command.caller.userId,
    cause: command.caller.requestId,
  });
  return { row: await changeBooking(tx, row.id, { attended: row.status === 'CHECKED_IN' }), now };
}
