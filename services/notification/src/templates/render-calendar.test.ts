import { expect, test } from '@jest/globals';
import { aBooking } from '../testing/factories.ts';
import { renderCalendar } from './render-calendar.ts';

const stamp = new Date('2026-12-01T10:00:00Z');
const url = 'http://booking.test/v1/bookings/x';

/** RFC 5545, 3.1: a line that starts with a blank goes on from the one before. */
const unfold = (text: string) => text.replaceAll('\r\n ', '');

test('is one published event with the booking as its UID and its times in UTC', () => {
  const booking = aBooking();
  const lines = unfold(renderCalendar(booking, { stamp, url })).split('\r\n');
  expect(lines.slice(0, 2)).toEqual(['BEGIN:VCALENDAR', 'VERSION:2.0']);
  expect(lines.slice(-2)).toEqual(['END:VCALENDAR', '']);
  expect(lines).toEqual(
    expect.arrayContaining([
      'METHOD:PUBLISH',
      `UID:${booking.booking_id}`,
      'DTSTAMP:20261201T100000Z',
      'DTSTART:20270104T180000Z',
      'DTEND:20270104T203000Z',
      'SUMMARY:Winter concert',
      'LOCATION:Salle Pleyel',
    ]),
  );
});

test('a booking whose time changed keeps its UID and has a higher SEQUENCE', () => {
  const first = aBooking();
  const moved = {
    ...first,
    starts_at: '2027-02-01T18:00:00.000Z',
    ends_at: '2027-02-01T20:00:00.000Z',
    calendar_sequence: 2,
  };
  const linesOf = (booking: typeof first) => unfold(renderCalendar(booking, { stamp, url })).split('\r\n');
  expect(linesOf(first)).toEqual(expect.arrayContaining([`UID:${first.booking_id}`, 'SEQUENCE:0']));
  expect(linesOf(moved)).toEqual(
    expect.arrayContaining([
      `UID:${first.booking_id}`,
      'SEQUENCE:2',
      'DTSTART:20270201T180000Z',
      'DTEND:20270201T200000Z',
    ]),
  );
});

test('a cancelled booking is taken away: the same UID, METHOD CANCEL and a SEQUENCE above the last one', () => {
  const booking = aBooking({ calendar_sequence: 2 });
  expect(unfold(renderCalendar(booking, { stamp, url, cancelled: true })).split('\r\n')).toEqual(
    expect.arrayContaining(['METHOD:CANCEL', `UID:${booking.booking_id}`, 'SEQUENCE:3', 'STATUS:CANCELLED']),
  );
});

test('keeps lines within 75 octets and ends every one with CRLF', () => {
  const text = renderCalendar(aBooking({ title: 'é'.repeat(150) }), { stamp, url });
  expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
});

test('lets no title start a property of its own', () => {
  const text = unfold(
    renderCalendar(aBooking({ title: 'Concert\r\nATTENDEE:mailto:x@example.org; a, b\\' }), { stamp, url }),
  );
  expect(text).not.toMatch(/^ATTENDEE/m);
  expect(text).toContain('SUMMARY:Concert ATTENDEE:mailto:x@example.org\\; a\\, b\\\\\r\n');
});

test('is the same at every attempt', () => {
  const booking = aBooking();
  expect(renderCalendar(booking, { stamp, url })).toBe(renderCalendar(booking, { stamp, url }));
});
