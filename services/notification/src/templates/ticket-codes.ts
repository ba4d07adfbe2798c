import type { Notice } from '../deliveries/delivery.ts';

/** What the QR code of one ticket says; `place` is null where one code stands for the whole booking. */
export interface TicketCode {
  readonly place: string | null;
  readonly code: string;
}

/** A mail shows so many codes; a larger booking finds all of them at its tickets. */
export const MAX_CODES = 10;

/** The codes of a booking's tickets. A booking that was confirmed before there were tickets has its reference. */
export function ticketCodes(booking: Extract<Notice, { kind: 'confirmed' }>['booking']): TicketCode[] {
  const tickets = booking.tickets ?? [];
  return tickets.length === 0 ? [{ place: null, code: booking.reference }] : tickets.slice(0, MAX_CODES);
}
