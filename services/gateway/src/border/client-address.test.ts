import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { clientAddressFinder } from './client-address.ts';

const request = (remoteAddress: string, forwardedFor?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
  }) as unknown as IncomingMessage;

describe('without trusted proxies', () => {
  const addressOf = clientAddressFinder([]);

  test('the socket tells, whatever the client writes', () => {
    expect(addressOf(request('203.0.113.9', '10.0.0.1'))).toBe('203.0.113.9');
  });

  test('an IPv4 address in IPv6 dress is the IPv4 address', () => {
    expect(addressOf(request('::ffff:203.0.113.9'))).toBe('203.0.113.9');
    expect(addressOf(request('2001:db8::1'))).toBe('2001:db8::1');
  });
});

describe('behind trusted proxies', () => {
  const addressOf = clientAddressFinder(['10.0.0.0/8', '::1', '2001:db8:1::/48']);

  test('the right-most address that is not a proxy counts, not what the client put before it', () => {
    expect(addressOf(request('10.0.0.1', '127.0.0.1, 198.51.100.7'))).toBe('198.51.100.7');
    expect(addressOf(request('10.0.0.1', '127.0.0.1, 198.51.100.7, 10.9.9.9'))).toBe('198.51.100.7');
  });

  test('a proxy that connects over mapped IPv4 or IPv6 is trusted too', () => {
    expect(addressOf(request('::ffff:10.0.0.1', '198.51.100.7'))).toBe('198.51.100.7');
    expect(addressOf(request('::1', '::ffff:198.51.100.7'))).toBe('198.51.100.7');
    expect(addressOf(request('2001:db8:1::5', '2001:db8:2::6'))).toBe('2001:db8:2::6');
  });

  test('others are not believed', () => {
    expect(addressOf(request('11.0.0.1', '198.51.100.7'))).toBe('11.0.0.1');
    expect(addressOf(request('2001:db8:2::5', '198.51.100.7'))).toBe('2001:db8:2::5');
  });

  test('a header that is empty or no address leaves the last hop that is known', () => {
    expect(addressOf(request('10.0.0.1'))).toBe('10.0.0.1');
    expect(addressOf(request('10.0.0.1', ''))).toBe('10.0.0.1');
    expect(addressOf(request('10.0.0.1', 'unknown, 10.0.0.2'))).toBe('10.0.0.2');
    expect(addressOf(request('10.0.0.1', '10.0.0.3, 10.0.0.2'))).toBe('10.0.0.3');
  });
});
