import { describe, expect, test } from '@jest/globals';
import { parseForm } from './form-body.ts';

describe('a form-encoded body', () => {
  test('nests groups and lists as the official package writes them', () => {
    const encoded = 'amount=5&metadata[booking_id]=a%20b%26c&expand[0]=x&expand[1]=y&types[]=p&types[]=q&note=a+b';
    expect(parseForm(encoded)).toEqual({
      amount: '5',
      metadata: { booking_id: 'a b&c' },
      expand: ['x', 'y'],
      types: ['p', 'q'],
      note: 'a b',
    });
  });

  test('of nothing has no fields', () => {
    expect(parseForm('')).toEqual({});
  });

  test('cannot reach the prototype of anything', () => {
    const fields = parseForm('__proto__[polluted]=1&metadata[__proto__][polluted]=1');
    expect(Object.keys(fields ?? {})).toEqual(['__proto__', 'metadata']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each(['a=%zz', 'a[=1', '[a]=1', 'a]b=1', 'a=1&a[b]=2', 'a[b]=1&a=2', 'a[b][c][d][e][f]=1'])(
    'that reads %s is refused',
    (encoded) => {
      expect(parseForm(encoded)).toBeUndefined();
    },
  );
});
