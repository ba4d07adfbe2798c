import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { singleLine } from './single-line.ts';

type Lost = Extract<Notice, { kind: 'occurrence_lost' | 'occurrence_lapsed' }>;

/** Says that one booking of a series does not take place, and why; the others stand. */
export function occurrenceLostMail(notice: Lost, options: RenderOptions): Mail {
  const { booking } = notice;
  return {
    subject: `Booking ${booking.reference} of your series does not take place: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      `one booking of your series does not take place: ${why(notice)}.`,
      'You have paid nothing for it. The other bookings of the series are not affected.',
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

function why(notice: Lost): string {
  if (notice.kind === 'occurrence_lapsed') return 'it was not paid in time';
  switch (notice.booking.lost) {
    case 'closed':
      return 'the place is closed at that time';
    case 'archived':
      return 'the place cannot be booked any more';
    case 'too_late':
      return 'its time came before it could be held';
    case 'taken':
    case undefined:
      return 'somebody else had booked the time when it was to be held';
  }
}
