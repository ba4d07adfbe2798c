import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NO_FEE, platformFeeOn, withPlatformFee, type PlatformFee } from './platform-fee-rules.ts';
import type { PriceLine } from './price-line.ts';

const aLine = (unitAmount: bigint, quantity: number): PriceLine => {
  return { kind: 'place', label: 'Hamlet, standard', category: 'standard', quantity, unitAmount };
};
const aFee = (fee: Partial<PlatformFee>): PlatformFee => ({ ...NO_FEE, ...fee });

describe('the platform fee', () => {
  test.each<[string, Partial<PlatformFee>, bigint, number, bigint]>([
    ['2.5 % of 90.00', { basisPoints: 250 }, 9_000n, 2, 225n],
    ['2.5 % of 0.99, rounded down', { basisPoints: 250 }, 99n, 1, 2n],
    ['a share below one cent', { basisPoints: 1 }, 99n, 1, 0n],
    ['a fixed amount a booking', { perBooking: new Map([['EUR', 50n]]) }, 9_000n, 4, 50n],
    ['a fixed amount a place', { perPlace: new Map([['EUR', 50n]]) }, 9_000n, 4, 200n],
    ['nothing in a currency without one', { perBooking: new Map([['JPY', 50n]]) }, 9_000n, 1, 0n],
    ['nothing on what is free', { basisPoints: 250, perBooking: new Map([['EUR', 50n]]) }, 0n, 1, 0n],
  ])('is %s', (_what, fee, subtotal, places, expected) => {
    expect(platformFeeOn(aFee(fee), { amount: subtotal, currency: 'EUR' }, places).amount).toBe(expected);
  });

  test('is a line of its own, the last one, and none where it is nothing', () => {
    const { lines, price } = withPlatformFee([aLine(4_500n, 2)], 'EUR', 2, aFee({ basisPoints: 250 }));
    expect(lines.at(-1)).toEqual({
      kind: 'fee',
      label: 'Platform fee',
      category: null,
      quantity: 1,
      unitAmount: 225n,
    });
    expect(price).toEqual({ amount: 9_225n, currency: 'EUR' });
    expect(withPlatformFee([aLine(0n, 2)], 'EUR', 2, aFee({ basisPoints: 250 })).lines).toHaveLength(1);
  });

  const anyFee = fc.record({
    basisPoints: fc.integer({ min: 0, max: 10_000 }),
    perBooking: fc.bigInt({ min: 0n, max: 10_000n }).map((amount) => new Map([['EUR', amount]])),
    perPlace: fc.bigInt({ min: 0n, max: 10_000n }).map((amount) => new Map([['EUR', amount]])),
  });
  const anyLines = fc.array(
    fc.tuple(fc.bigInt({ min: 0n, max: 10_000_000n }), fc.integer({ min: 1, max: 10 })).map(([a, n]) => aLine(a, n)),
    { minLength: 1, maxLength: 5 },
  );

  test('makes the price the sum of the lines, and is within one cent of the exact share, in the customer’s favour', () => {
    fc.assert(
      fc.property(anyFee, anyLines, (fee, lines) => {
        const places = lines.reduce((sum, { quantity }) => sum + quantity, 0);
        const priced = withPlatformFee(lines, 'EUR', places, fee);
        const sum = (of: readonly PriceLine[]) =>
          of.reduce((total, { unitAmount, quantity }) => total + unitAmount * BigInt(quantity), 0n);
        expect(priced.price.amount).toBe(sum(priced.lines));
        const subtotal = sum(lines);
        const charged = priced.price.amount - subtotal;
        if (subtotal === 0n) {
          expect(charged).toBe(0n);
          return;
        }
        const fixed = fee.perBooking.get('EUR')! + fee.perPlace.get('EUR')! * BigInt(places);
        // In ten-thousandths of a cent, where nothing is rounded.
        const exact = subtotal * BigInt(fee.basisPoints);
        const share = (charged - fixed) * 10_000n;
        expect(share <= exact && exact - share < 10_000n).toBe(true);
      }),
    );
  });

  test('never falls when the price rises', () => {
    fc.assert(
      fc.property(
        anyFee,
        fc.bigInt({ min: 1n, max: 10_000_000n }),
        fc.bigInt({ min: 0n, max: 1_000n }),
        (fee, amount, more) => {
          const on = (subtotal: bigint) => platformFeeOn(fee, { amount: subtotal, currency: 'EUR' }, 1).amount;
          expect(on(amount) <= on(amount + more)).toBe(true);
        },
      ),
    );
  });
});
