import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { changeBooking, lockBooking, readBooking, transition, type ReadBooking } from '../bookings/booking-store.ts';
import { auditForCustomer } from '../bookings/audit-for-customer.ts';
import { isEventCancelled } from '../event-cancellation/is-event-cancelled.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';

export interface CompleteCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
}

/**
 * Closes a booking before the loop does. Whoever was not checked in has not attended. Twice is the same answer.
 * @throws Problem `not_found`, `not_completable`.
 */
export async function completeBooking(tx: Tx, command: CompleteCommand): Promise<ReadBooking> {
  const found = await readBooking(tx, { id: command.bookingId }, null);
  if (!found) throw new Problem('not_found');
  // An event is not cancelled in between: what it owes must not be closed.
  await lockInventory(tx, [found.row]);
  const locked = (await lockBooking(tx, command.bookingId))!;
  const { row, now } = locked;
  if (row.status === 'COMPLETED') return locked;
  if (row.status !== 'CONFIRMED' && row.status !== 'CHECKED_IN') {
    throw new Problem('not_completable', { detail: `the booking is ${row.status}` });
  }
  if (await isEventCancelled(tx, row.event_id)) {
    throw new Problem('not_completable', { detail: 'the event was cancelled' });
  }
  await transition(tx, row, {
    to: 'COMPLETED',
    reason: 'completed by an operator',
    actor: command.caller.userId,
    cause: command.caller.requestId,
  });
  const completed = await changeBooking(tx, row.id, { attended: row.status === 'CHECKED_IN' });
  await auditForCustomer(tx, command.caller, row, completed, now);
  return { row: completed, now };
}
