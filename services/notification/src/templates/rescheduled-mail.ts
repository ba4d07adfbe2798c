import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { formatWhen } from './format-when.ts';
import type { Mail, RenderOptions } from './mail.ts';
import { renderCalendar } from './render-calendar.ts';
import { singleLine } from './single-line.ts';

/**
 * Says when the event takes place now and what the customer can do about it. Whoever has a calendar entry, because the booking is
 * confirmed, gets the entry again with its new time.
 */
export function rescheduledMail({ booking }: Extract<Notice, { kind: 'rescheduled' }>, options: RenderOptions): Mail {
  const url = `${options.publicUrl}/v1/bookings/${booking.booking_id}`;
  const stands = booking.status === 'CONFIRMED' || booking.status === 'CHECKED_IN';
  const waits = booking.status === 'PENDING';
  const { starts_at: from, ends_at: to } = booking.previous;
  return {
    subject: `New time for ${waits ? 'what you wait for' : `booking ${booking.reference}`}: ${singleLine(booking.title)}`,
    text: [
      `Hello ${singleLine(booking.contact.name)},`,
      '',
      waits
        ? 'what you wait for takes place at another time. You keep your place in line.'
        : 'what you booked takes place at another time. Your places are the same.',
      '',
      ...bookingFacts(booking).map((fact) => `${`${fact.label}:`.padEnd(11)} ${fact.value}`),
      `Before:     ${formatWhen(from, to, booking.time_zone)}`,
      `Reason:     ${singleLine(booking.reason)}`,
      '',
      ...whatToDo(booking, stands),
      `Your booking: ${url}`,
      '',
    ].join('\n'),
    html: null,
    attachments: stands
      ? [
          {
            filename: `${booking.reference}.ics`,
            contentType: 'text/calendar; charset=utf-8; method=PUBLISH',
            content: renderCalendar(booking, { stamp: options.stamp, url }),
            contentDisposition: 'attachment',
          },
        ]
      : [],
  };
}

function whatToDo(booking: Extract<Notice, { kind: 'rescheduled' }>['booking'], stands: boolean): string[] {
  if (booking.status === 'PENDING') return ['If the new time does not suit you, you can leave the waitlist.'];
  if (!stands) return ['It is not paid yet. Pay if the new time suits you; otherwise you need not do anything.'];
  const tickets = 'Your tickets stay valid; the attached entry updates your calendar.';
  if (booking.amount === 0) return [tickets, 'If the new time does not suit you, you can cancel.'];
  return [
    tickets,
    booking.refund === 'full'
      ? 'If the new time does not suit you, you can cancel until it begins and get everything back.'
      : 'If the new time does not suit you, you can cancel; what you get back is shown before you do.',
  ];
}
