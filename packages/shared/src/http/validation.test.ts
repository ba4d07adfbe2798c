import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Problem, type FieldError } from '../problems.ts';
import { parseBody, parseQuery } from './validation.ts';

const schema = z.strictObject({
  name: z.string().min(1),
  price: z.strictObject({ amount: z.number().int() }),
  'a/b~c': z.string().optional(),
  seats: z.array(z.string()).default([]),
});

function errorsOf(run: () => unknown): readonly FieldError[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    expect(error.code).toBe('validation_failed');
    return error.options.errors ?? [];
  }
  throw new Error('nothing was refused');
}
const pointersOf = (body: unknown) => errorsOf(() => parseBody(schema, body)).map((error) => error.pointer);

describe('a body', () => {
  test('comes back checked, with its defaults', () => {
    expect(parseBody(schema, { name: 'x', price: { amount: 1 } })).toEqual({
      name: 'x',
      price: { amount: 1 },
      seats: [],
    });
  });

  test('is refused with a JSON pointer to each wrong field', () => {
    expect(pointersOf({ name: '', price: { amount: '1' }, seats: ['A-1', 2] })).toEqual([
      '/name',
      '/price/amount',
      '/seats/1',
    ]);
  });

  test('names each unknown field, at whatever depth', () => {
    const errors = errorsOf(() =>
      parseBody(schema, { name: 'x', price: { amount: 1, tax: 2 }, role: 'admin', owner: 'me' }),
    );
    expect(errors.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/price/tax', 'unknown_field'],
      ['/role', 'unknown_field'],
      ['/owner', 'unknown_field'],
    ]);
  });

  test('escapes ~ and / in pointers as RFC 6901 says', () => {
    expect(pointersOf({ name: 'x', price: { amount: 1 }, 'a/b~c': 1 })).toEqual(['/a~1b~0c']);
    expect(pointersOf({ name: 'x', price: { amount: 1 }, 'x/y': 1 })).toEqual(['/x~1y']);
  });

  test('that is absent or no object is refused, not an exception', () => {
    expect(pointersOf(undefined)).toEqual(['/name', '/price']);
    for (const body of [[], 'text', 42, true]) expect(pointersOf(body)).toEqual(['/']);
  });

  test('cannot reach a prototype', () => {
    const body: unknown = JSON.parse(
      '{"name":"x","price":{"amount":1},"__proto__":{"polluted":true},"constructor":{}}',
    );
    expect(pointersOf(body)).toEqual(['/__proto__', '/constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('with very many wrong fields is answered with a bounded list', () => {
    const many = z.strictObject({ list: z.array(z.string()) });
    expect(errorsOf(() => parseBody(many, { list: Array.from({ length: 5_000 }, () => 1) }))).toHaveLength(50);
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1]));
    expect(errorsOf(() => parseBody(many, { list: [], ...keys })).length).toBeLessThanOrEqual(50);
  });
});

describe('a query', () => {
  const query = z.strictObject({ status: z.enum(['HELD', 'PAID']).optional() });

  test('points at parameters with ?', () => {
    expect(errorsOf(() => parseQuery(query, { status: 'x' }))).toMatchObject([{ pointer: '?status' }]);
    expect(errorsOf(() => parseQuery(query, { colour: 'red' }))).toMatchObject([
      { pointer: '?colour', code: 'unknown_field' },
    ]);
  });

  test('with a parameter given twice is refused', () => {
    expect(errorsOf(() => parseQuery(query, { status: ['HELD', 'PAID'] }))).toMatchObject([{ pointer: '?status' }]);
  });
});
