import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatAmount, toDecimal } from './format-amount.ts';

describe('an amount in minor units', () => {
  test.each([
    [4500, 'EUR', '€45.00'],
    [5, 'GBP', '£0.05'],
    [0, 'USD', 'US$0.00'],
    [4500, 'JPY', 'JP¥4,500'],
    [12345, 'KWD', 'KWD 12.345'],
    [1500, 'IQD', 'IQD 1.500'],
    [1234567, 'CHF', 'CHF 12,345.67'],
    [-250, 'EUR', '-€2.50'],
  ])('%d %s is written %s', (minorUnits, currency, written) => {
    expect(formatAmount(minorUnits, currency).replaceAll('\u00a0', ' ')).toBe(written);
  });

  test('stays exact beyond what a double can hold', () => {
    expect(formatAmount(9_007_199_254_740_993n, 'EUR')).toBe('€90,071,992,547,409.93');
  });

  test('gives its digits back from the decimal numeral', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 4 }), (minorUnits, exponent) => {
        const decimal = toDecimal(minorUnits, exponent);
        expect(decimal).toMatch(exponent === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${exponent}}$`));
        expect(BigInt(decimal.replace('.', ''))).toBe(minorUnits);
      }),
    );
  });
});
