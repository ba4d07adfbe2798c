import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { formatMoment } from './format-when.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

/** Says what is held for somebody who waited, and until when it has to be taken. */
export function waitlistOfferMail(
  { booking }: Extract<Notice, { kind: 'waitlist_offer' }>,
  options: RenderOptions,
): Mail {
  const until = formatMoment(booking.hold_expires_at, booking.time_zone);
  const act = booking.amount === 0 ? 'Confirm' : 'Pay';
  return {
    subject: `What you waited for is free: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      'what you waited for is free, and held for you.',
      `${act} it until ${until}; after that it goes to the next in line.`,
      '',
      ...bookingFacts(booking).map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
      '',
      'If you do not want it any more, cancel it, so that the next in line gets it.',
      `Your booking: ${options.publicUrl}/v1/bookings/${booking.booking_id}`,
      '',
    ].join('\n'),
    html: null,
    attachments: [],
  };
}
