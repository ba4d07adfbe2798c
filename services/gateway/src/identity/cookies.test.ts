import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestGateway, type Answer, type Call, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const COOKIES = { prefer: 'session=cookie' };
const setCookies = (answer: Answer) => (answer.headers['set-cookie'] ?? []) as unknown as string[];
/** What a browser would send back. */
const jarOf = (answer: Answer) =>
  setCookies(answer)
    .map((line) => line.split(';')[0]!)
    .join('; ');

async function signInWithCookies() {
  const { email, password } = await gateway.signUp();
  const answer = await gateway.call('/v1/auth/login', { body: { email, password }, headers: COOKIES });
  const cookie = jarOf(answer);
  const csrf = answer.json.csrf_token;
  const call = (path: string, call: Call = {}) =>
    gateway.call(path, { ...call, headers: { cookie, 'x-csrf-token': csrf, ...call.headers } });
  return { answer, cookie, csrf, call, email, password };
}

describe('a browser session', () => {
  test('has its tokens in cookies that are for this host, over TLS, out of reach of scripts and of other sites', async () => {
    const { answer } = await signInWithCookies();
    expect(answer.status).toBe(200);
    expect(answer.json.refresh_token).toBeUndefined();
    expect(answer.headers['preference-applied']).toBe('session=cookie');
    const lines = setCookies(answer);
    expect(lines.map((line) => line.split('=')[0])).toEqual(['__Host-access', '__Host-refresh', '__Host-csrf']);
    for (const line of lines) {
      expect(line).toMatch(/; Path=\/; Secure; SameSite=Strict/);
      expect(line).not.toMatch(/domain/i);
    }
    expect(lines.map((line) => line.includes('; HttpOnly'))).toEqual([true, true, false]);
  });

  test('reads with the cookie alone, and changes with the header that repeats the token', async () => {
    const { cookie, call } = await signInWithCookies();
    expect((await gateway.call('/v1/auth/me', { headers: { cookie } })).status).toBe(200);
    const bare = await gateway.call('/v1/bookings', { body: {}, headers: { cookie } });
    expect([bare.status, bare.json.code]).toEqual([403, 'csrf_refused']);
    expect((await call('/v1/bookings', { body: {} })).json.code).not.toBe('csrf_refused');
  });

  test('is refreshed and ended by its cookie, with an empty body', async () => {
    const { call, cookie } = await signInWithCookies();
    const next = await call('/v1/auth/refresh', { body: {}, headers: COOKIES });
    expect([next.status, next.json.refresh_token]).toEqual([200, undefined]);
    expect(jarOf(next)).not.toBe(cookie);
    const fresh = { cookie: jarOf(next), 'x-csrf-token': next.json.csrf_token };
    const out = await gateway.call('/v1/auth/logout', { body: {}, headers: fresh });
    expect([out.status, setCookies(out).every((line) => line.includes('Max-Age=0'))]).toEqual([204, true]);
    expect((await gateway.call('/v1/auth/me', { headers: { cookie: fresh.cookie } })).status).toBe(401);
  });

  test('whose client sends a token in the header needs no cookie and no other header', async () => {
    const { access } = await gateway.signUp();
    const { cookie } = await signInWithCookies();
    const answer = await gateway.call('/v1/auth/logout-all', { method: 'POST', token: access, headers: { cookie } });
    expect(answer.status).toBe(204);
  });

  test('is nobody’s with two cookies of one name', async () => {
    const { cookie } = await signInWithCookies();
    const access = cookie.split('; ')[0]!;
    expect((await gateway.call('/v1/auth/me', { headers: { cookie: `${access}; ${access}` } })).status).toBe(401);
  });

  test('is refused without a token in body or cookie', async () => {
    const { status, json } = await gateway.call('/v1/auth/refresh', { body: {} });
    expect([status, json.errors.map(({ pointer }) => pointer)]).toEqual([422, ['/refresh_token']]);
  });
});

describe('another site', () => {
  test.each([
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['a foreign Origin that begins like ours', { origin: 'https://127.0.0.1.evil.example' }],
    ['no Origin to speak of', { origin: 'null' }],
    ['a browser that says so', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling of our host', { 'sec-fetch-site': 'same-site' }],
    ['the right Origin, but across sites', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
  ])('with %s changes nothing, refreshes nothing and signs nobody in', async (_what, headers) => {
    const { call, email, password } = await signInWithCookies();
    const answers = [
      await call('/v1/auth/logout-all', { method: 'POST', headers }),
      await call('/v1/auth/refresh', { body: {}, headers }),
      await call('/v1/auth/logout', { body: {}, headers }),
      await gateway.call('/v1/auth/login', { body: { email, password }, headers: { ...COOKIES, ...headers } }),
    ];
    expect(answers.map(({ status, json }) => `${status} ${json.code}`)).toEqual(
      Array.from({ length: 4 }, () => ('origin' in headers ? '403 origin_not_allowed' : '403 csrf_refused')),
    );
    expect((await call('/v1/auth/me')).status).toBe(200);
    expect((await call('/v1/auth/refresh', { body: {} })).status).toBe(200);
  });

  test('cannot send JSON as text, change by GET, or pass with a token of another session', async () => {
    const ann = await signInWithCookies();
    const bob = await signInWithCookies();
    const text = await ann.call('/v1/auth/refresh', { raw: '{}', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await ann.call('/v1/auth/logout-all', { method });
      expect([status, headers['allow']]).toEqual([405, 'POST, OPTIONS']);
    }
    const planted = ann.cookie.replace(/__Host-csrf=[^;]+/, `__Host-csrf=${bob.csrf}`);
    const answer = await gateway.call('/v1/auth/logout-all', {
      method: 'POST',
      headers: { cookie: planted, 'x-csrf-token': bob.csrf },
    });
    expect(answer.json.code).toBe('csrf_refused');
    for (const forged of ['', 'x', ann.csrf.slice(0, -1), `${ann.csrf}x`, ann.csrf.split('.')[0]!]) {
      const wrong = ann.cookie.replace(/__Host-csrf=[^;]+/, `__Host-csrf=${forged}`);
      const refused = await gateway.call('/v1/auth/logout-all', {
        method: 'POST',
        headers: { cookie: wrong, 'x-csrf-token': forged },
      });
      expect([forged, refused.status]).toEqual([forged, 403]);
    }
  });

  test('is not this one: the own Origin passes', async () => {
    const { call } = await signInWithCookies();
    const own = { host: 'api.example.com', origin: 'https://api.example.com', 'sec-fetch-site': 'same-origin' };
    expect((await call('/v1/auth/refresh', { body: {}, headers: own })).status).toBe(200);
  });
});
