import { describe, expect, test } from '@jest/globals';
import { isAllowedSource, parseCidrs } from './source-allowlist.ts';

const allowed = parseCidrs(['127.0.0.0/8', '::1', '203.0.113.64/26', '2001:db8::/32'])!;

describe('the allow-list', () => {
  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '203.0.113.65', '2001:db8:1::7'])(
    'takes %s',
    (address) => {
      expect(isAllowedSource(allowed, address)).toBe(true);
    },
  );

  test.each([
    '10.0.0.1',
    '203.0.113.128',
    '::2',
    '::ffff:10.0.0.1',
    '2001:db9::1',
    '',
    'localhost',
    '127.0.0.1, 10.0.0.1',
  ])('refuses %j', (address) => {
    expect(isAllowedSource(allowed, address)).toBe(false);
  });

  test.each(['127.0.0.0/33', '::1/129', 'localhost', '10.0.0.0/8/8', '10.0.0.0/x', '10.0.0/8', ''])(
    'is not made of %j',
    (cidr) => {
      expect(parseCidrs([cidr])).toBeNull();
    },
  );
});
