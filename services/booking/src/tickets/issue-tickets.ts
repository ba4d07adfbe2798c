import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import type { BookingRow } from '../bookings/booking-row.ts';
import type { TicketText } from '../events.ts';
import { currentTicketKey } from './current-ticket-key.ts';
import { encodeTicket, newNonce } from './ticket-code.ts';
import { insertTickets, readTickets, type TicketRow } from './ticket-store.ts';

type Ticketed = Pick<BookingRow, 'id' | 'reference' | 'event_id' | 'resource_id' | 'seats' | 'quantity'>;

/** The places of a booking as its tickets name them: labels and numbers, or `2/3` where places have none. */
export function placesOf(booking: Pick<BookingRow, 'seats' | 'quantity'>): string[] {
  if (booking.seats.length > 0) return [...booking.seats];
  return Array.from({ length: booking.quantity }, (_, index) => `${index + 1}/${booking.quantity}`);
}

/** Makes a signed ticket for each place of a locked, confirmed booking, and returns them all. Done twice, it changes nothing. */
export async function issueTickets(tx: Tx, booking: Ticketed, now: Date): Promise<TicketRow[]> {
  const key = await currentTicketKey(tx);
  const subject = booking.event_id ?? booking.resource_id!;
  const tickets = placesOf(booking).map((place, index) => {
    const ticket = { id: newId('tkt'), reference: booking.reference, subject, place, nonce: newNonce() };
    return { id: ticket.id, position: index + 1, place, nonce: ticket.nonce, code: encodeTicket(ticket, key) };
  });
  await insertTickets(tx, booking, tickets, now);
  return readTickets(tx, booking.id);
}

/** Issues the tickets of a booking as its confirmation carries them. */
export async function ticketTexts(tx: Tx, booking: Ticketed, now: Date): Promise<TicketText[]> {
  return (await issueTickets(tx, booking, now)).map(({ place, code }) => ({ place, code }));
}
