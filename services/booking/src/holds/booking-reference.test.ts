import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { formatReference, permute, ReferenceNumbers } from './booking-reference.ts';

test('a reference is BK, the date and six characters that cannot be confused', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), (n) => {
      expect(formatReference(n, new Date('2027-01-04T23:59:59Z'))).toMatch(/^BK20270104-[0-9A-HJKMNP-TV-Z]{6}$/);
    }),
  );
});

test('numbers never share a reference on one day', () => {
  const seen = new Set(Array.from({ length: 200_000 }, (_, n) => permute(n)));
  expect(seen.size).toBe(200_000);
  fc.assert(
    fc.property(fc.nat(2 ** 30 - 1), fc.nat(2 ** 30 - 1), (a, b) => expect(permute(a) === permute(b)).toBe(a === b)),
  );
});

test('neighbours do not look like neighbours', () => {
  const codes = [1, 2, 3].map((n) => formatReference(n, new Date('2027-01-04T00:00:00Z')).slice(-6, -2));
  expect(new Set(codes).size).toBe(3);
});

test('however many draw at once, each gets as many numbers as it wants, and none twice', async () => {
  let block = 0;
  const sequence = {
    async query() {
      const mine = ++block;
      await new Promise((resolve) => setImmediate(resolve));
      return { rows: [{ block: BigInt(mine) }] };
    },
  } as unknown as Queryable;
  const numbers = new ReferenceNumbers();
  const drawn = await Promise.all(Array.from({ length: 200 }, (_, i) => numbers.draw(sequence, 1 + ((i * 37) % 64))));
  expect(drawn.map((each) => each.length)).toEqual(Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 64)));
  expect(new Set(drawn.flat()).size).toBe(drawn.flat().length);
  await expect(numbers.draw(sequence, 1_001)).rejects.toThrow(RangeError);
});
