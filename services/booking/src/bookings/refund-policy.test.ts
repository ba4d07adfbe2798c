import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteBookingRefund, quoteRefund } from './refund-policy.ts';

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

const never = { refund_policy: policy, starts_at: start, moved_refund: null, refund_starts_at: null };
const hoursLater = (hours: number) => before(-hours);

test('a booking that was never moved goes by its policy', () => {
  expect(quoteBookingRefund(never, eur(9001n), before(6))).toEqual({ percent: 50, refundable: eur(4501n), policy });
});

test('one that was moved with everything back gives everything until it begins, that instant included', () => {
  const moved = { ...never, moved_refund: 'full' as const, refund_starts_at: hoursLater(100) };
  const all = { percent: 100, refundable: eur(9001n) };
  expect(quoteBookingRefund(moved, eur(9001n), start)).toMatchObject(all);
  // From then on by the policy, counted to the latest start that was promised.
  expect(quoteBookingRefund(moved, eur(9001n), hoursLater(90))).toEqual({
    percent: 50,
    refundable: eur(4501n),
    policy,
  });
  expect(quoteBookingRefund(moved, eur(9001n), hoursLater(95))).toMatchObject({ percent: 0 });
});

test('a move never gives back less than there was, whatever the windows', () => {
  const percents = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      percents,
      fc.integer({ min: -50, max: 50 }),
      fc.integer({ min: -60, max: 60 }),
      fc.constantFrom('policy' as const, 'full' as const),
      (given, by, hours, moved_refund) => {
        const rising = given.sort((a, b) => a - b).map((percent, index) => ({ hours_before: index * 10, percent }));
        const terms = { ...never, refund_policy: rising };
        const starts_at = hoursLater(by);
        const promised = by > 0 ? starts_at : start;
        const moved = { ...terms, starts_at, moved_refund, refund_starts_at: promised };
        const now = before(hours);
        const was = quoteBookingRefund(terms, eur(10_000n), now);
        expect(quoteBookingRefund(moved, eur(10_000n), now).percent).toBeGreaterThanOrEqual(was.percent);
      },
    ),
  );
});
