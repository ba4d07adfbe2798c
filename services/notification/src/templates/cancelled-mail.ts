import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

/** Says that the booking no longer stands. It promises no amount: what goes back is the payment service's to know. */
export function cancelledMail({ booking }: Extract<Notice, { kind: 'cancelled' }>, options: RenderOptions): Mail {
  return {
    subject: `Booking ${booking.reference} cancelled: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      booking.occurrences === undefined || booking.occurrences === 1
        ? 'your booking is cancelled and its places are free again.'
        : `${booking.occurrences} unpaid bookings of your series are cancelled, and their times are free again. This is the first of them:`,
      '',
      ...bookingFacts(booking).map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
      `Reason:     ${singleLine(booking.reason)}`,
      '',
      'If you paid, the refund that is due goes back the way you paid.',
      `Your booking: ${options.publicUrl}/v1/bookings/${booking.booking_id}`,
      '',
    ].join('\n'),
    html: null,
    attachments: [],
  };
}
