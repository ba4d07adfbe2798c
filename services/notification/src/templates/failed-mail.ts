import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

/** Says that nothing was booked. The provider's reason is a code for programs and is left out. */
export function failedMail({ booking }: Extract<Notice, { kind: 'failed' }>, options: RenderOptions): Mail {
  return {
    subject: `Booking ${booking.reference} failed: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      'your payment did not go through, so nothing is booked and the places are free again.',
      'An amount that your bank shows as reserved for this booking is released.',
      '',
      ...bookingFacts(booking).map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
      '',
      `Your booking: ${options.publicUrl}/v1/bookings/${booking.booking_id}`,
      '',
    ].join('\n'),
    html: null,
    attachments: [],
  };
}
