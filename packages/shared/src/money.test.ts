import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  MAX_AMOUNT,
  addMoney,
  amountToJson,
  multiplyMoney,
  percentToCustomer,
  toMoneyJson,
  type Money,
} from './money.ts';

const eur = (amount: bigint): Money => ({ amount, currency: 'EUR' });
const anAmount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });
const aPercent = fc.integer({ min: 0, max: 100 });

test('JSON carries an amount exactly or not at all', () => {
  fc.assert(fc.property(anAmount, (amount) => BigInt(toMoneyJson(eur(amount)).amount) === amount));
  expect(amountToJson(MAX_AMOUNT)).toBe(9_007_199_254_740_991);
  expect(() => amountToJson(MAX_AMOUNT + 1n)).toThrow(RangeError);
  expect(() => amountToJson(-MAX_AMOUNT - 1n)).toThrow(RangeError);
});

test('adding is commutative and associative, and refuses two currencies', () => {
  fc.assert(
    fc.property(anAmount, anAmount, anAmount, (a, b, c) => {
      expect(addMoney(eur(a), eur(b))).toEqual(addMoney(eur(b), eur(a)));
      expect(addMoney(addMoney(eur(a), eur(b)), eur(c))).toEqual(addMoney(eur(a), addMoney(eur(b), eur(c))));
    }),
  );
  expect(() => addMoney(eur(1n), { amount: 1n, currency: 'USD' })).toThrow(RangeError);
});

test('n times an amount is the amount added n times', () => {
  fc.assert(
    fc.property(anAmount, fc.integer({ min: 0, max: 50 }), (amount, times) => {
      let sum = eur(0n);
      for (let i = 0; i < times; i++) sum = addMoney(sum, eur(amount));
      expect(multiplyMoney(eur(amount), times)).toEqual(sum);
    }),
  );
  expect(() => multiplyMoney(eur(1n), 1.5)).toThrow(RangeError);
  expect(() => multiplyMoney(eur(1n), Number.NaN)).toThrow(RangeError);
});

describe('a percentage that goes back to the customer', () => {
  test('rounds odd minor units up, in the customer’s favour', () => {
    expect(percentToCustomer(eur(4501n), 50)).toEqual(eur(2251n));
    expect(percentToCustomer(eur(1n), 1)).toEqual(eur(1n));
    expect(percentToCustomer(eur(999n), 33)).toEqual(eur(330n));
  });

  test('is never less than the exact share, never a whole unit more, and never more than there was', () => {
    fc.assert(
      fc.property(anAmount, aPercent, (amount, percent) => {
        const back = percentToCustomer(eur(amount), percent).amount;
        expect(back * 100n).toBeGreaterThanOrEqual(amount * BigInt(percent));
        expect((back - 1n) * 100n).toBeLessThan(amount * BigInt(percent) || 1n);
        expect(back).toBeLessThanOrEqual(amount);
      }),
    );
  });

  test('is nothing at 0 and everything at 100', () => {
    fc.assert(
      fc.property(anAmount, (amount) => {
        expect(percentToCustomer(eur(amount), 0)).toEqual(eur(0n));
        expect(percentToCustomer(eur(amount), 100)).toEqual(eur(amount));
      }),
    );
  });

  test('is between 0 and 100 and whole', () => {
    for (const percent of [-1, 101, 0.5, Number.NaN])
      expect(() => percentToCustomer(eur(1n), percent)).toThrow(RangeError);
  });
});
