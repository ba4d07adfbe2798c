import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ID_PREFIXES, isId, newId } from './ids.ts';

describe('a new id', () => {
  test('is its prefix and 26 characters of lower-case Crockford base32', () => {
    for (const prefix of ID_PREFIXES) {
      const id = newId(prefix);
      expect(id).toMatch(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`));
      expect(isId(prefix, id)).toBe(true);
    }
  });

  test('sorts behind every earlier one of this process, however many are made in one millisecond', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('bkg'));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('holds a UUIDv7 with the present time', () => {
    const before = Date.now();
    const bits = [...newId('bkg').slice(4)]
      .map((character) => '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character).toString(2).padStart(5, '0'))
      .join('');
    const uuid = BigInt(`0b${bits}`).toString(16).padStart(32, '0');
    // Twenty thousand ids above may have borrowed a few milliseconds.
    expect(Math.abs(parseInt(uuid.slice(0, 12), 16) - before)).toBeLessThan(1_000);
    expect(uuid[12]).toBe('7');
    expect('89ab').toContain(uuid[16]);
  });
});

describe('what is no id', () => {
  const id = newId('bkg');
  test.each([
    ['upper case', id.toUpperCase()],
    ['another kind', id.replace('bkg', 'evt')],
    ['one character more', `${id}0`],
    ['one character less', id.slice(0, -1)],
    ['more than 128 bits', `bkg_8${id.slice(5)}`],
    ['a letter that base32 leaves out', `${id.slice(0, -1)}u`],
    ['no prefix', id.slice(4)],
    ['a line break behind it', `${id.slice(0, -1)}\n`],
    ['a number', 42],
    ['nothing', undefined],
    ['an array with one', [id]],
  ])('%s', (_, value) => {
    expect(isId('bkg', value)).toBe(false);
  });

  test('any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => !isId('bkg', text)));
  });
});
