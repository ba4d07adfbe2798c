import type { BookingStatus } from '@holdfast/shared/contracts/bookings';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { changeBooking, lockBooking, transition, type ReadBooking } from '../bookings/booking-store.ts';
import { auditForCustomer } from '../bookings/audit-for-customer.ts';
import { isEventCancelled } from '../event-cancellation/is-event-cancelled.ts';
import { reasonOfStatus, type DoorReason } from './admission-rules.ts';
import { admit } from './ticket-store.ts';
import { verifyTicket } from './verify-ticket.ts';

export interface CheckInCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
  /** The text that was scanned; null when somebody looked the booking up. */
  readonly code: string | null;
}

/** The booking after it, and whether this call let somebody in or its ticket (without one, its booking) had done so before. */
export type CheckedIn = ReadBooking & { readonly admission: 'admitted' | 'already_in' };

/**
 * Lets the holder of a confirmed booking in. Once in, the booking stays the same with the time of the first time; each of its tickets
 * lets one person in, and one that is shown again is told apart. Without a ticket all that are left come in.
 * @throws Problem `not_found`, `ticket_invalid`, `ticket_wrong_booking`, `not_checkable`; the last two with a `reason`.
 */
export async function checkInBooking(tx: Tx, command: CheckInCommand): Promise<CheckedIn> {
  const locked = await lockBooking(tx, command.bookingId);
  if (!locked) throw new Problem('not_found');
  const { row, now } = locked;
  const ticket = command.code === null ? null : await verifyTicket(tx, command.code);
  if (command.code !== null && ticket === null) throw new Problem('ticket_invalid');
  if (ticket !== null && ticket.booking_id !== row.id) {
    const reason: DoorReason = ticket.event_id === row.event_id ? 'wrong_booking' : 'wrong_event';
    throw new Problem('ticket_wrong_booking', { extensions: { reason } });
  }
  const shut = reasonOfStatus(row.status);
  if (shut !== null) throw notCheckable(row.status, shut, `the booking is ${row.status}`);
  if (row.status === 'CHECKED_IN') {
    const isNew = await admit(tx, row.id, ticket?.id ?? null);
    return { ...locked, admission: isNew ? 'admitted' : 'already_in' };
  }
  if (await isEventCancelled(tx, row.event_id)) {
    throw notCheckable(row.status, 'event_cancelled', 'the event was cancelled');
  }
  await transition(tx, row, {
    to: 'CHECKED_IN',
    reason: command.code === null ? 'checked in by reference' : 'checked in by ticket',
    actor: command.caller.userId,
    cause: command.caller.requestId,
  });
  await admit(tx, row.id, ticket?.id ?? null);
  const arrived = await changeBooking(tx, row.id, { checked_in_at: now });
  await auditForCustomer(tx, command.caller, row, arrived, now);
  return { row: arrived, now, admission: 'admitted' };
}

function notCheckable(status: BookingStatus, reason: DoorReason, detail: string): Problem {
  return new Problem('not_checkable', { detail, extensions: { status_of_booking: status, reason } });
}
