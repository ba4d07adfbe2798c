import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { renderCalendar } from './render-calendar.ts';
import { singleLine } from './single-line.ts';

/**
 * Says that the booking no longer stands, and takes its entry out of the calendar where a mail of ours has put one there. It promises
 * no amount: what goes back is the payment service's to know.
 */
export function cancelledMail({ booking }: Extract<Notice, { kind: 'cancelled' }>, options: RenderOptions): Mail {
  const url = `${options.publicUrl}/v1/bookings/${booking.booking_id}`;
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
      `Your booking: ${url}`,
      '',
    ].join('\n'),
    html: null,
    attachments: booking.calendar_entry
      ? [
          {
            filename: `${booking.reference}.ics`,
            contentType: 'text/calendar; charset=utf-8; method=CANCEL',
            content: renderCalendar(booking, { stamp: options.stamp, url, cancelled: true }),
            contentDisposition: 'attachment',
          },
        ]
      : [],
  };
}
