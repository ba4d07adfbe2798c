import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retryDelayMs } from './retry-policy.ts';

test('grows fourfold from 5 s to an hour', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => retryDelayMs(attempt, 0.5) / 1000)).toEqual([
    5, 20, 80, 320, 1280, 3600, 3600,
  ]);
});

test('is at most a quarter longer or shorter by chance', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const middle = retryDelayMs(attempt, 0.5);
        const delay = retryDelayMs(attempt, random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * 0.75));
        expect(delay).toBeLessThanOrEqual(Math.ceil(middle * 1.25));
      },
    ),
  );
});

test('knows no attempt 0', () => {
  expect(() => retryDelayMs(0, 0.5)).toThrow(RangeError);
});
