import { expect, test } from '@jest/globals';
import { formatWhen } from './format-when.ts';

test('shows the venue’s clock, not the server’s', () => {
  expect(formatWhen('2027-01-04T18:00:00Z', '2027-01-04T20:30:00Z', 'Europe/Paris')).toBe(
    'Monday 4 January 2027, 19:00 to 21:30 (Europe/Paris, CET)',
  );
  expect(formatWhen('2027-01-04T18:00:00Z', '2027-01-04T20:30:00Z', 'Asia/Kolkata')).toMatch(
    /^Monday 4 January 2027, 23:30 to Tuesday 5 January 2027, 02:00 \(Asia\/Kolkata, /,
  );
});

test('writes midnight as 00:00', () => {
  expect(formatWhen('2027-01-03T23:00:00Z', '2027-01-04T00:00:00Z', 'Europe/Paris')).toContain(
    'Monday 4 January 2027, 00:00 to 01:00',
  );
});

test('names both offsets when the clocks change in between', () => {
  // 28 March 2027: 02:00 CET becomes 03:00 CEST. One hour passes, two show.
  expect(formatWhen('2027-03-28T00:30:00Z', '2027-03-28T01:30:00Z', 'Europe/Paris')).toBe(
    'Sunday 28 March 2027, 01:30 to 03:30 (Europe/Paris, CET to CEST)',
  );
});
