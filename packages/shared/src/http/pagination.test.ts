import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { Problem } from '../problems.ts';
import { decodeCursor, encodeCursor, pageQuery, toPage } from './pagination.ts';
import { parseQuery } from './validation.ts';

describe('a page', () => {
  const page = (rows: number[], limit: number) =>
    toPage(
      rows,
      limit,
      (row) => ({ row }),
      (row) => [String(row)],
    );

  test('shows up to the limit and tells by the extra row that there is more', () => {
    const first = page([1, 2, 3], 2);
    expect(first).toMatchObject({ object: 'list', data: [{ row: 1 }, { row: 2 }], has_more: true });
    expect(decodeCursor(first.next_cursor!, 1)).toEqual(['2']);
  });

  test('has no cursor when it is the last', () => {
    expect(page([1, 2], 2)).toEqual({
      object: 'list',
      data: [{ row: 1 }, { row: 2 }],
      has_more: false,
      next_cursor: null,
    });
    expect(page([], 2)).toEqual({ object: 'list', data: [], has_more: false, next_cursor: null });
  });
});

describe('a cursor', () => {
  test('gives its key back, whatever characters are in it', () => {
    const key = fc.array(
      fc.string({ unit: 'grapheme' }).filter((part) => !part.includes('\0')),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(key, (parts) => {
        const cursor = encodeCursor(parts);
        expect(cursor).toMatch(/^[\w-]*$/);
        expect(decodeCursor(cursor, parts.length)).toEqual(parts);
      }),
    );
  });

  test('may be absent', () => {
    expect(decodeCursor(undefined, 2)).toBeNull();
  });

  test.each([
    ['nothing we made', 'zzz'],
    ['empty', ''],
    ['too few parts', encodeCursor(['a'])],
    ['too many parts', encodeCursor(['a', 'b', 'c'])],
    ['no array', Buffer.from('{"0":"a","1":"b","length":2}').toString('base64url')],
    ['parts that are no text', Buffer.from('["a",1]').toString('base64url')],
    ['a NUL, which PostgreSQL would refuse', encodeCursor(['a', 'b\0'])],
  ])('is refused with a pointer when it is %s', (_, cursor) => {
    expect(() => decodeCursor(cursor, 2)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        options: { errors: [expect.objectContaining({ pointer: '?cursor', code: 'invalid_cursor' })] },
      }),
    );
  });

  test('is refused for any text without an exception of another kind', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeCursor(text, 2);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
    );
  });
});

test('limit is 1 to 100 and 20 when it is not given', () => {
  const query = z.strictObject(pageQuery);
  expect(parseQuery(query, {})).toEqual({ limit: 20 });
  expect(parseQuery(query, { limit: '100' })).toEqual({ limit: 100 });
  for (const limit of ['0', '101', '1.5', 'x', '', ['1', '2'], '1e9']) {
    expect(() => parseQuery(query, { limit })).toThrow(Problem);
  }
});
