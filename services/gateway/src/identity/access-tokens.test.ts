import { KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { CompactSign, exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { ACCESS_TOKEN_SECONDS, AUDIENCE, ISSUER, signAccessToken, verifyAccessToken } from './access-tokens.ts';
import type { KeyRing } from './signing-keys.ts';

const NOW = Date.parse('2027-01-04T12:00:00Z');
const user = { id: newId('usr'), email: 'ann@example.com', name: 'Ann', role: 'customer' as const };
const sessionId = newId('ses');

async function setup() {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const keys: KeyRing = {
    current: { kid: 'k1', key: pair.privateKey },
    verifying: new Map([['k1', pair.publicKey]]),
    jwks: { keys: [await exportJWK(pair.publicKey)] },
  };
  return { keys, pair, token: await signAccessToken(keys, user, sessionId, NOW) };
}

/** A token of our key with one thing wrong. */
function forged(
  key: CryptoKey | Uint8Array,
  header: { alg?: string; typ?: string | null; kid?: string | null; [name: string]: unknown } = {},
  claims: Record<string, unknown> = {},
) {
  const { typ = 'at+jwt', kid = 'k1', alg = 'EdDSA', ...others } = header;
  const seconds = NOW / 1000;
  const payload = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: user.id,
    sid: sessionId,
    role: 'customer',
    name: 'Ann',
    email: 'ann@example.com',
    iat: seconds,
    exp: seconds + 60,
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg, ...(typ === null ? {} : { typ }), ...(kid === null ? {} : { kid }), ...others })
    .sign(key);
}

/** Claims as text, genuinely signed by our key: what JSON.stringify would never write. */
function signedText(key: CryptoKey, claims: string, header: object = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' }) {
  return new CompactSign(new TextEncoder().encode(claims)).setProtectedHeader(header as { alg: string }).sign(key);
}

const claimsOf = (token: string) => Buffer.from(token.split('.')[1]!, 'base64url').toString();
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an access token', () => {
  test('speaks for its user until it expires', async () => {
    const { keys, token } = await setup();
    const expiresAtMs = NOW + ACCESS_TOKEN_SECONDS * 1000;
    expect(await verifyAccessToken(keys, token, NOW)).toEqual({ user, sessionId, expiresAtMs });
    expect(await verifyAccessToken(keys, token, expiresAtMs - 1)).not.toBeNull();
    expect(await verifyAccessToken(keys, token, expiresAtMs)).toBeNull();
  });

  test('made by the helper of these tests is good before anything is wrong with it', async () => {
    const { keys, pair } = await setup();
    expect(await verifyAccessToken(keys, await forged(pair.privateKey), NOW)).not.toBeNull();
  });
});

describe('refused is a token', () => {
  test.each(['none', 'None', 'nOnE'])('without a signature (alg %s)', async (alg) => {
    const { keys, token } = await setup();
    const payload = token.split('.')[1]!;
    expect(await verifyAccessToken(keys, `${encode({ alg, typ: 'at+jwt', kid: 'k1' })}.${payload}.`, NOW)).toBeNull();
  });

  test('signed by HMAC with the public key as secret', async () => {
    const { keys, pair } = await setup();
    for (const secret of [await exportSPKI(pair.publicKey), JSON.stringify(await exportJWK(pair.publicKey))]) {
      const token = await forged(new TextEncoder().encode(secret), { alg: 'HS256' });
      expect(await verifyAccessToken(keys, token, NOW)).toBeNull();
    }
  });

  test('with one bit of any part flipped', async () => {
    const { keys, token } = await setup();
    const parts = token.split('.');
    for (let part = 0; part < 3; part++) {
      const bytes = Buffer.from(parts[part]!, 'base64url');
      bytes[bytes.length >> 1]! ^= 1;
      const changed = parts.with(part, bytes.toString('base64url')).join('.');
      expect(await verifyAccessToken(keys, changed, NOW)).toBeNull();
    }
  });

  test('that is cut, extended or no token at all', async () => {
    const { keys, token } = await setup();
    for (const bad of ['', '.', '..', 'x', token.slice(0, -4), `${token}.`, `${token}.x`, token.split('.')[1]!]) {
      expect(await verifyAccessToken(keys, bad, NOW)).toBeNull();
    }
  });

  test('of another issuer, audience or type', async () => {
    const { keys, pair } = await setup();
    const bad = [
      forged(pair.privateKey, {}, { iss: 'somebody' }),
      forged(pair.privateKey, {}, { iss: undefined }),
      forged(pair.privateKey, {}, { aud: 'other-api' }),
      forged(pair.privateKey, {}, { aud: ['other-api'] }),
      forged(pair.privateKey, {}, { aud: undefined }),
      forged(pair.privateKey, { typ: 'JWT' }),
      forged(pair.privateKey, { typ: null }),
    ];
    for (const token of await Promise.all(bad)) expect(await verifyAccessToken(keys, token, NOW)).toBeNull();
  });

  test('of an unknown key, whatever its header points at', async () => {
    const { keys, pair } = await setup();
    const other = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const jwk = await exportJWK(other.publicKey);
    const bad = [
      forged(other.privateKey),
      forged(other.privateKey, { jwk }),
      forged(other.privateKey, { jku: 'http://127.0.0.1:9/jwks.json' }),
      forged(pair.privateKey, { kid: '../../../../dev/null' }),
      forged(pair.privateKey, { kid: "x' union select 'a" }),
      forged(pair.privateKey, { kid: null }),
    ];
    for (const token of await Promise.all(bad)) expect(await verifyAccessToken(keys, token, NOW)).toBeNull();
  });

  test('that is critical about something, from the future, or without an expiry', async () => {
    const { keys, pair, token } = await setup();
    const critical = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1', crit: ['x'], x: 1 })}.${token.split('.')[1]!}.${token.split('.')[2]!}`;
    const bad = [
      Promise.resolve(critical),
      forged(pair.privateKey, {}, { nbf: NOW / 1000 + 60 }),
      forged(pair.privateKey, {}, { exp: undefined }),
      forged(pair.privateKey, {}, { exp: '9999999999' }),
      forged(pair.privateKey, {}, { exp: -1 }),
      forged(pair.privateKey, {}, { exp: NOW / 1000 - 1 }),
    ];
    for (const text of await Promise.all(bad)) expect(await verifyAccessToken(keys, text, NOW)).toBeNull();
  });

  test('whose expiry is endless, a text, below zero, missing or no number, although our key signed it', async () => {
    const { keys, pair } = await setup();
    const good = claimsOf(await forged(pair.privateKey));
    const exp = /"exp":\d+/;
    expect(good).toMatch(exp);
    expect(await verifyAccessToken(keys, await signedText(pair.privateKey, good), NOW)).not.toBeNull();
    for (const bad of ['"exp":1e400', '"exp":-1e400', '"exp":"9999999999"', '"exp":-1', '"exp":null', '"x":1']) {
      const token = await signedText(pair.privateKey, good.replace(exp, bad));
      expect([bad, await verifyAccessToken(keys, token, NOW)]).toEqual([bad, null]);
    }
  });

  test('that says a thing twice, in either order, signed by our key or not', async () => {
    const { keys, pair } = await setup();
    const genuine = await forged(pair.privateKey);
    const good = claimsOf(genuine);
    for (const twice of [
      good.replace('{', '{"role":"admin",'),
      good.replace(/}$/, ',"role":"customer"}'),
      good.replace(/}$/, ',"role":"admin"}'),
      good.replace('{', '{"exp":9999999999,'),
      good.replace('{', `{"sub":"${newId('usr')}",`),
      good.replace(/}$/, ',"r\\u006fle":"customer"}'),
    ]) {
      expect(() => JSON.parse(twice) as unknown).not.toThrow();
      expect([twice, await verifyAccessToken(keys, await signedText(pair.privateKey, twice), NOW)]).toEqual([
        twice,
        null,
      ]);
      const [header, , signature] = genuine.split('.');
      const unsigned = `${header}.${Buffer.from(twice).toString('base64url')}.${signature}`;
      expect(await verifyAccessToken(keys, unsigned, NOW)).toBeNull();
    }
  });

  test('whose header says a thing twice', async () => {
    const { keys, pair } = await setup();
    const payload = (await forged(pair.privateKey)).split('.')[1]!;
    const signed = (header: string) => {
      const input = `${Buffer.from(header).toString('base64url')}.${payload}`;
      return `${input}.${sign(null, Buffer.from(input), KeyObject.from(pair.privateKey)).toString('base64url')}`;
    };
    expect(await verifyAccessToken(keys, signed('{"alg":"EdDSA","typ":"at+jwt","kid":"k1"}'), NOW)).not.toBeNull();
    const twice = signed('{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"k1"}');
    expect(await verifyAccessToken(keys, twice, NOW)).toBeNull();
  });

  test('whose subject, session or role is none of ours', async () => {
    const { keys, pair } = await setup();
    for (const claims of [{ sub: 'root' }, { sid: 'ses_1' }, { role: 'superuser' }, { role: undefined }, { name: 5 }]) {
      expect(await verifyAccessToken(keys, await forged(pair.privateKey, {}, claims), NOW)).toBeNull();
    }
  });
});
