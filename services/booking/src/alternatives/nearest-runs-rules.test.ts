import { expect, test } from '@jest/globals';
import { DAYS } from '@holdfast/shared/contracts/catalogue';
import fc from 'fast-check';
import { checkSlot, type SlotRules } from '../inventory/slot-grid.ts';
import { nearestRuns, type Range } from './nearest-runs-rules.ts';

const HOUR = 3_600_000;
const now = new Date('2027-01-04T00:00:00Z');
const rules: SlotRules = {
  timeZone: 'UTC',
  slotMinutes: 60,
  minSlots: 1,
  maxSlots: null,
  openingHours: DAYS.map((day) => ({ day, opens: '08:00', closes: '12:00' })),
};
const range = (from: string, hours = 1): Range => ({ from: Date.parse(from), to: Date.parse(from) + hours * HOUR });
const startsOf = (runs: readonly Range[]) => runs.map(({ from }) => new Date(from).toISOString().slice(5, 13));

test('the nearest of the same day come first, then the next days around the same time', () => {
  const wanted = range('2027-01-04T10:00Z');
  expect(startsOf(nearestRuns(rules, [wanted], wanted, now, 5))).toEqual([
    '01-04T09',
    '01-04T11',
    '01-04T08',
    '01-05T10',
    '01-05T09',
  ]);
});

test('what has begun is not offered, and neither is a closed day', () => {
  const closed = { ...rules, exceptions: [{ date: '2027-01-05', closed: true as const }] };
  const wanted = range('2027-01-04T11:00Z');
  const late = new Date('2027-01-04T10:00:00Z');
  expect(startsOf(nearestRuns(closed, [wanted], wanted, late, 2))).toEqual(['01-06T11', '01-06T10']);
});

test('the date and the seven after it are looked at', () => {
  const taken = range('2027-01-04T00:00Z', 8 * 24);
  expect(nearestRuns(rules, [taken], range('2027-01-04T10:00Z'), now, 5)).toEqual([]);
  const oneShort = range('2027-01-04T00:00Z', 7 * 24 + 11);
  expect(startsOf(nearestRuns(rules, [oneShort], range('2027-01-04T10:00Z'), now, 5))).toEqual(['01-11T11']);
});

test('runs have the length that was asked for, pass the check of the grid and overlap no claim', () => {
  const claims = fc
    .uniqueArray(fc.integer({ min: 0, max: 24 * 8 }), { maxLength: 60 })
    .map((hours) =>
      hours.sort((a, b) => a - b).map((hour) => ({ from: +now + hour * HOUR, to: +now + (hour + 1) * HOUR })),
    );
  fc.assert(
    fc.property(claims, fc.integer({ min: 8, max: 11 }), fc.integer({ min: 1, max: 3 }), (taken, hour, length) => {
      const wanted = { from: +now + hour * HOUR, to: +now + (hour + length) * HOUR };
      const runs = nearestRuns(rules, taken, wanted, now, 5);
      expect(new Set(runs.map(({ from }) => from)).size).toBe(runs.length);
      for (const { from, to } of runs) {
        expect(to - from).toBe(length * HOUR);
        expect(checkSlot(rules, new Date(from), new Date(to), now)).toEqual({ ok: true, slots: length });
        expect(taken.some((claim) => claim.from < to && from < claim.to)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});
