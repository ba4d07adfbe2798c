import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import type { BookingRow } from '../bookings/booking-row.ts';
import { currentTicketKey } from './current-ticket-key.ts';
import { encodeTicket, newNonce, type TicketKey } from './ticket-code.ts';
import { insertTickets, readTickets, type TicketRow } from './ticket-store.ts';

type Ticketed = Pick<BookingRow, 'id' | 'reference' | 'event_id' | 'resource_id' | 'seats' | 'quantity'>;

/** A ticket that is signed and not yet written. */
export interface NewTicket extends TicketRow {
  readonly bookingId: BookingId;
  readonly eventId: EventId | null;
  readonly nonce: string;
}

/** The places of a booking as its tickets name them: labels and numbers, or `2/3` where places have none. */
export function placesOf(booking: Pick<BookingRow, 'seats' | 'quantity'>): string[] {
  if (booking.seats.length > 0) return [...booking.seats];
  return Array.from({ length: booking.quantity }, (_, index) => `${index + 1}/${booking.quantity}`);
}

/** Signs a ticket for each place of a booking. */
export function signTickets(booking: Ticketed, key: TicketKey): NewTicket[] {
  const subject = booking.event_id ?? booking.resource_id!;
  return placesOf(booking).map((place, index) => {
    const ticket = { id: newId('tkt'), reference: booking.reference, subject, place, nonce: newNonce() };
    return {
      id: ticket.id,
      bookingId: booking.id,
      eventId: booking.event_id,
      position: index + 1,
      place,
      nonce: ticket.nonce,
      code: encodeTicket(ticket, key),
    };
  });
}

/** Writes tickets of bookings that become CONFIRMED in this transaction. */
export async function saveTickets(tx: Tx, tickets: readonly NewTicket[], now: Date): Promise<void> {
  if (tickets.length > 0) await insertTickets(tx, tickets, now);
}

/** Makes a signed ticket for each place of a locked, confirmed booking, and returns them all. Done twice, it changes nothing. */
export async function issueTickets(tx: Tx, booking: Ticketed, now: Date): Promise<TicketRow[]> {
  await saveTickets(tx, signTickets(booking, await currentTicketKey(tx)), now);
  return readTickets(tx, booking.id);
}
