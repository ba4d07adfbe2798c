import type { Notice } from '../deliveries/delivery.ts';

/** What the QR code of a ticket says. The one place to change when tickets are signed. */
export function ticketCode(booking: Notice['booking']): string {
  return booking.reference;
}
