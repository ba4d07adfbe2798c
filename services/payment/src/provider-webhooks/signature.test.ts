import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { verifySignature } from './signature.ts';

const CURRENT = 'whsec_current_secret';
const FORMER = 'whsec_former_secret';
const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const body = Buffer.from('{"id":"evt_1","type":"payment_intent.succeeded"}');

const hex = (text: Buffer, secret: string, t: number | string) =>
  createHmac('sha256', secret).update(`${t}.`).update(text).digest('hex');
const sign = (options: { t?: number; secret?: string; text?: Buffer } = {}) => {
  const t = options.t ?? NOW;
  return `t=${t},v1=${hex(options.text ?? body, options.secret ?? CURRENT, t)}`;
};
const check = (header: string | undefined, text = body) => verifySignature(header, text, [CURRENT, FORMER], NOW_MS);

describe('a genuine signature', () => {
  test('is taken, with the current secret and with the one before', () => {
    expect(check(sign())).toBe('ok');
    expect(check(sign({ secret: FORMER }))).toBe('ok');
  });

  test('may stand among others', () => {
    expect(check(`t=${NOW},v0=abc,v1=${'0'.repeat(64)},v1=${hex(body, CURRENT, NOW)}`)).toBe('ok');
  });

  test.each([300, -300])('is taken %i s from our clock', (offset) => {
    expect(check(sign({ t: NOW + offset }))).toBe('ok');
  });

  test.each([301, -301])('is refused %i s from our clock', (offset) => {
    expect(check(sign({ t: NOW + offset }))).toBe('timestamp_out_of_tolerance');
  });
});

describe('what is no signature of this body', () => {
  test.each([undefined, '', '  '])('is missing: %j', (header) => {
    expect(check(header)).toBe('signature_missing');
  });

  test.each([
    ['another secret', sign({ secret: 'whsec_of_somebody_else' })],
    ['no timestamp', `v1=${hex(body, CURRENT, NOW)}`],
    ['a timestamp that is no number', `t=abc,v1=${hex(body, CURRENT, 'abc')}`],
    ['two timestamps', `t=${NOW},t=${NOW},v1=${hex(body, CURRENT, NOW)}`],
    ['only another scheme', `t=${NOW},v0=${hex(body, CURRENT, NOW)}`],
    ['capitals', `t=${NOW},v1=${hex(body, CURRENT, NOW).toUpperCase()}`],
    ['half of it', `t=${NOW},v1=${hex(body, CURRENT, NOW).slice(0, 32)}`],
    ['nonsense', 'nonsense'],
  ])('is invalid: %s', (_name, header) => {
    expect(check(header)).toBe('signature_invalid');
  });

  test.each([
    ['one byte more', Buffer.concat([body, Buffer.from('\n')])],
    ['a byte order mark', Buffer.concat([Buffer.from('\ufeff'), body])],
    ['the same JSON in other spacing', Buffer.from('{ "id":"evt_1","type":"payment_intent.succeeded"}')],
  ])('is invalid: %s', (_name, other) => {
    expect(check(sign(), other)).toBe('signature_invalid');
  });

  test('is said to be invalid, not old, when it is both: a stranger learns nothing about our clock', () => {
    expect(check(sign({ secret: 'whsec_of_somebody_else', t: 1 }))).toBe('signature_invalid');
  });
});
