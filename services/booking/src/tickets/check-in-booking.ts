import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { changeBooking, lockBooking, transition, type ReadBooking } from '../bookings/booking-store.ts';
import { isEventCancelled } from '../event-cancellation/is-event-cancelled.ts';
import { verifyTicket } from './verify-ticket.ts';

export interface CheckInCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
  /** The text that was scanned; null when somebody looked the booking up. */
  readonly code: string | null;
}

/**
 * Lets the holder of a confirmed booking in. Once in, the answer stays the same with the time of the first time.
 * @throws Problem `not_found`, `ticket_invalid`, `ticket_wrong_booking`, `not_checkable` with the booking's status.
 */
export async function checkInBooking(tx: Tx, command: CheckInCommand): Promise<ReadBooking> {
  const locked = await lockBooking(tx, command.bookingId);
  if (!locked) throw new Problem('not_found');
  const { row, now } = locked;
  if (command.code !== null) {
    const verdict = await verifyTicket(tx, command.code, row.id);
    if (!verdict.ok) throw new Problem(verdict.refusal === 'invalid' ? 'ticket_invalid' : 'ticket_wrong_booking');
  }
  if (row.status === 'CHECKED_IN') return locked;
  if (row.status !== 'CONFIRMED') {
    throw new Problem('not_checkable', {
      detail: `the booking is ${row.status}`,
      extensions: { status_of_booking: row.status },
    });
  }
  if (await isEventCancelled(tx, row.event_id)) {
    throw new Problem('not_checkable', {
      detail: 'the event was cancelled',
      extensions: { status_of_booking: row.status },
    });
  }
  await transition(tx, row, {
    to: 'CHECKED_IN',
    reason: command.code === null ? 'checked in by reference' : 'checked in by ticket',
    actor: command.caller.userId,
    cause: command.caller.requestId,
  });
  return { row: await changeBooking(tx, row.id, { checked_in_at: now }), now };
}
