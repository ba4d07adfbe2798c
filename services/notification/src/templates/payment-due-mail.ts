import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { formatMoment } from './format-when.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

/** Says that an occurrence of a series is held from now on, and until when it has to be paid, or confirmed where it is free. */
export function paymentDueMail({ booking }: Extract<Notice, { kind: 'payment_due' }>, options: RenderOptions): Mail {
  const act = booking.amount === 0 ? 'Confirm' : 'Pay';
  const until = formatMoment(booking.pay_until, booking.time_zone);
  return {
    subject: `Booking ${booking.reference}: ${act.toLowerCase()} it until ${until}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      'the next booking of your series is held for you.',
      `${act} it until ${until}; after that its time is free for others.`,
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
