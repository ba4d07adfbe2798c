import ical, { ICalCalendarMethod, ICalEventStatus } from 'ical-generator';
import type { Notice } from '../deliveries/delivery.ts';
import { bookingFacts } from './booking-facts.ts';
import { singleLine } from './single-line.ts';

/**
 * The booking as an iCalendar object (RFC 5545), times in UTC. The UID is the booking's id, so that a calendar which gets it again
 * updates its entry; the SEQUENCE rises with each change of its time, and once more when it is `cancelled`, which takes the entry away. `stamp` is when the notice was made; the same at each attempt, so the attachment is too.
 */
export function renderCalendar(
  booking: Notice['booking'],
  options: { stamp: Date; url: string; cancelled?: boolean },
): string {
  const { cancelled = false } = options;
  const calendar = ical({
    prodId: { company: 'Holdfast', product: 'Bookings', language: 'EN' },
    method: cancelled ? ICalCalendarMethod.CANCEL : ICalCalendarMethod.PUBLISH,
  });
  calendar.createEvent({
    id: booking.booking_id,
    sequence: (booking.calendar_sequence ?? 0) + (cancelled ? 1 : 0),
    stamp: options.stamp,
    start: new Date(booking.starts_at),
    end: new Date(booking.ends_at),
    summary: singleLine(booking.title),
    location: singleLine(booking.venue),
    description: bookingFacts(booking)
      .map((fact) => `${fact.label}: ${fact.value}`)
      .join('\n'),
    url: options.url,
    status: cancelled ? ICalEventStatus.CANCELLED : ICalEventStatus.CONFIRMED,
  });
  // RFC 5545 ends every line, the last one too, with CRLF; the library leaves the last one open.
  return `${calendar.toString()}\r\n`;
}
