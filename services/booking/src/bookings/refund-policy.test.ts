import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteRefund } from './refund-policy.ts';

const policy = [
  { hours_before: 24, percent: 100 },
  { hours_before: 6, percent: 50 },
];
const start = new Date('2027-03-28T10:00:00Z');
const before = (hours: number, ms = 0) => new Date(start.getTime() - hours * 3_600_000 - ms);
const eur = (amount: bigint) => ({ amount, currency: 'EUR' });

test.each([
  ['a day and a moment before', before(24, 1), 100, 9001n],
  ['exactly a day before', before(24), 100, 9001n],
  ['a moment less than a day', before(24, -1), 50, 4501n],
  ['exactly six hours before', before(6), 50, 4501n],
  ['a moment less than six hours', before(6, -1), 0, 0n],
  ['after the start', before(-1), 0, 0n],
])('%s', (_, now, percent, refundable) => {
  expect(quoteRefund(policy, eur(9001n), start, now)).toEqual({ percent, refundable: eur(refundable) });
});

test('a refund is never more than was captured, nothing when nothing was, and the order of the windows does not matter', () => {
  const window = fc.record({
    hours_before: fc.integer({ min: 0, max: 100 }),
    percent: fc.integer({ min: 0, max: 100 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(window, { selector: (w) => w.hours_before, maxLength: 6 }),
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.integer({ min: -10, max: 110 }),
      (windows, captured, hours) => {
        const quote = quoteRefund(windows, eur(captured), start, before(hours));
        expect(quote.refundable.amount).toBeGreaterThanOrEqual(0n);
        expect(quote.refundable.amount).toBeLessThanOrEqual(captured);
        // The customer never loses a fraction of a minor unit.
        expect(quote.refundable.amount * 100n).toBeGreaterThanOrEqual(captured * BigInt(quote.percent));
        expect(quoteRefund([...windows].reverse(), eur(captured), start, before(hours))).toEqual(quote);
      },
    ),
  );
});
