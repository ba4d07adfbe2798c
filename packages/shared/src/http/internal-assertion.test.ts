import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { newId } from '../ids.ts';
import { signAssertion, verifyAssertion, type Caller } from './internal-assertion.ts';

const SECRET = 'a secret of the tests that has 32 characters';
const NOW = Date.parse('2027-01-04T18:00:00Z');
const caller: Caller = {
  userId: newId('usr'),
  role: 'customer',
  email: 'ada@example.org',
  name: 'Ada',
  address: '203.0.113.7',
  requestId: newId('req'),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const signed = () => signAssertion(SECRET, caller, NOW);
const [payload, mac] = signed().split('.') as [string, string];
const payloadOf = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString('base64url');

test('a genuine assertion gives the caller back, without its expiry', () => {
  expect(verifyAssertion(SECRET, signed(), NOW)).toEqual(caller);
});

test('it holds for 30 s', () => {
  expect(verifyAssertion(SECRET, signed(), NOW + 29_999)).toEqual(caller);
  expect(verifyAssertion(SECRET, signed(), NOW + 30_000)).toBeNull();
});

describe('is refused', () => {
  const admin = payloadOf({ ...caller, role: 'admin', exp: NOW + 30_000 });
  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['without a signature', payload],
    ['with an empty signature', `${payload}.`],
    ['with another payload under the same signature', `${admin}.${mac}`],
    ['signed with another secret', signAssertion(`${SECRET}!`, caller, NOW)],
    [
      'with a bit of the signature flipped',
      `${payload}.${mac.slice(0, -2)}${mac.at(-2) === 'A' ? 'B' : 'A'}${mac.at(-1)}`,
    ],
    ['with something behind the signature', `${signed()}x`],
    ['with a third part', `${signed()}.x`],
    ['signed by no algorithm', `${admin}.${createHmac('sha256', '').update(admin).digest('base64url')}`],
    ['two of them joined, as Node joins repeated headers', `${signed()}, ${signed()}`],
  ])('%s', (_, assertion) => {
    expect(verifyAssertion(SECRET, assertion, NOW)).toBeNull();
  });

  test('changed in any one character', () => {
    const assertion = signed();
    for (let at = 0; at < assertion.length; at++) {
      const changed = assertion.slice(0, at) + (assertion[at] === 'x' ? 'y' : 'x') + assertion.slice(at + 1);
      expect(verifyAssertion(SECRET, changed, NOW)).toBeNull();
    }
  });
});
