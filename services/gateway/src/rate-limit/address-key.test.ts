import { expect, test } from '@jest/globals';
import { addressKey } from './address-key.ts';

test('an IPv4 address is counted as it is', () => {
  expect(addressKey('203.0.113.9')).toBe('203.0.113.9');
});

test('the addresses of one household are one sender, whichever of them it hops to', () => {
  const home = addressKey('2001:db8:1:ab00::1');
  for (const other of ['2001:db8:1:abff:ffff:ffff:ffff:ffff', '2001:0db8:0001:ab42:1::', '2001:DB8:1:ABCD::1.2.3.4']) {
    expect(addressKey(other)).toBe(home);
  }
});

test.each(['2001:db8:1:ac00::1', '2001:db8:2:ab00::1', '::1', 'fe80::1%eth0', '2001:db8:1::1'])(
  '%s is another sender',
  (address) => {
    expect(addressKey(address)).not.toBe(addressKey('2001:db8:1:ab00::1'));
  },
);

test('a double colon stands for as many zeros as are missing', () => {
  expect(addressKey('2001:db8::1')).toBe(addressKey('2001:db8:0:0:0:0:0:1'));
  expect(addressKey('::')).toBe(addressKey('0:0:0:0:0:0:0:0'));
  expect(addressKey('fe80::1%eth0')).toBe(addressKey('fe80::2'));
});
