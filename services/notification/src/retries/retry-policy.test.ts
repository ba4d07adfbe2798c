import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retryDelayMs } from './retry-policy.ts';

test('is 5 s, 30 s, 1 min, 5 min, 20 min, 1 h, and 4 h from then on', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => retryDelayMs(attempt, 0.5) / 1000)).toEqual([
    5, 30, 60, 300, 1200, 3600, 14_400, 14_400,
  ]);
});

test('is at most a tenth longer or shorter by chance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const middle = retryDelayMs(attempt, 0.5);
        const delay = retryDelayMs(attempt, random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.9));
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * 1.1));
      },
    ),
  );
});

test('knows no attempt 0', () => {
  expect(() => retryDelayMs(0, 0.5)).toThrow(RangeError);
});
