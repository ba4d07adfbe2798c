import type { TicketJson } from '@holdfast/shared/contracts/tickets';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { lockBooking } from '../bookings/booking-store.ts';
import { findBooking } from '../bookings/read-booking.ts';
import { issueTickets } from './issue-tickets.ts';
import { readTickets, type TicketRow } from './ticket-store.ts';

/**
 * The tickets of a booking, in the order of its places: for its owner and for operators. None before it is confirmed. One that was
 * confirmed before there were tickets gets them here. @throws Problem `not_found`.
 */
export async function listTicketsOf(pool: Pool, caller: SignedInCaller, id: string): Promise<TicketJson[]> {
  const { row } = await findBooking(pool, caller, { id });
  let tickets = await readTickets(pool, row.id);
  if (tickets.length === 0 && isValid(row.status)) {
    tickets = await withTransaction(pool, async (tx) => {
      const locked = (await lockBooking(tx, row.id))!;
      return isValid(locked.row.status) ? issueTickets(tx, locked.row, locked.now) : [];
    });
  }
  return tickets.map(toTicketJson);
}

function isValid(status: string): boolean {
  return status === 'CONFIRMED' || status === 'CHECKED_IN';
}

function toTicketJson(ticket: TicketRow): TicketJson {
  return { id: ticket.id, object: 'ticket', place: ticket.place, code: ticket.code };
}
