import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exchange } from '../testing/exchange.ts';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

const SHOP = 'https://shop.example';
let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    corsOrigins: [SHOP],
    metricsAllowed: ['127.0.0.1'],
    trustedProxies: ['127.0.0.1'],
  });
  token = (await gateway.signUp()).access;
});
afterAll(() => gateway.stop());
beforeEach(() => {
  gateway.booking.seen.length = 0;
});

const nothingWentOn = () => expect(gateway.booking.seen).toEqual([]);

describe('a web page', () => {
  const preflight = (origin: string) =>
    gateway.call('/v1/bookings', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,idempotency-key',
      },
    });

  test('of a configured origin may call, also with cookies, and is named', async () => {
    const asked = await preflight(SHOP);
    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': SHOP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': expect.stringContaining('Idempotency-Key'),
      vary: 'Origin',
    });
    const read = await gateway.call('/v1/venues', { headers: { origin: SHOP } });
    expect([read.status, read.headers['access-control-allow-origin'], read.headers['vary']]).toEqual([
      200,
      SHOP,
      'Origin',
    ]);
    expect(read.headers['access-control-expose-headers']).toContain('Retry-After');
    expect((await gateway.call('/v1/venues', { token, headers: { origin: SHOP }, body: {} })).status).toBe(200);
  });

  test('reads why it was refused', async () => {
    const refused = await gateway.call('/v1/bookings', { headers: { origin: SHOP } });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, SHOP]);
  });

  test.each([
    'null',
    'https://evil.example',
    'https://shop.example.evil.example',
    'https://shop.example:8443',
    'http://shop.example',
    'https://SHOP.example',
    '*',
  ])('of %s changes nothing and is allowed to read nothing', async (origin) => {
    const asked = await preflight(origin);
    expect([asked.status, asked.json.code]).toEqual([403, 'origin_not_allowed']);
    const read = await gateway.call('/v1/venues', { headers: { origin } });
    const changed = await gateway.call('/v1/bookings', {
      token,
      headers: { origin, 'idempotency-key': 'k' },
      body: {},
    });
    expect([changed.status, changed.json.code]).toEqual([403, 'origin_not_allowed']);
    for (const { headers } of [asked, read, changed]) {
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      expect(headers['vary']).toBe('Origin');
    }
    expect(gateway.booking.seen.map(({ url }) => url)).toEqual(['/v1/venues']);
  });

  test('of the gateway itself needs no permission', async () => {
    const headers = { origin: 'https://api.example', host: 'api.example' };
    expect((await gateway.call('/v1/venues', { token, headers, body: {} })).status).toBe(200);
  });
});

describe('a request that can be read in two ways is 400', () => {
  test.each([
    ['?id=1&id=2', '?id'],
    ['?id[]=1', '?id[]'],
    ['?limit=1&a=2&limit=3', '?limit'],
    ['?%69d=1&id=2', '?id'],
    ['?filter%5Bid%5D=1', '?filter[id]'],
  ])('the query %s', async (query, pointer) => {
    const { status, json } = await gateway.call(`/v1/venues${query}`);
    expect([status, json.code, json.errors[0]?.pointer]).toEqual([400, 'malformed_request', pointer]);
    nothingWentOn();
  });

  test.each(['Content-Type', 'Idempotency-Key', 'If-Match'])('%s given twice', async (name) => {
    const { status, json } = await gateway.call('/v1/venues', {
      token,
      raw: '{}',
      headers: { [name]: ['application/json', 'text/plain'] },
    });
    expect([status, json.code]).toEqual([400, 'malformed_request']);
    nothingWentOn();
  });
});

test.each([
  ['two Hosts', 'GET /v1/venues HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', 400],
  ['two Hosts that are the same', 'GET /v1/venues HTTP/1.1\r\nHost: a\r\nhost: a\r\nConnection: close\r\n\r\n', 400],
  ['no Host', 'GET /v1/venues HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 405],
  ['an upgrade', 'GET /v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n', 404],
])('%s is refused with a problem', async (_, text, status) => {
  const answer = await exchange(gateway.port, text);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain('application/problem+json');
  expect(answer).toMatch(/\r\nRequest-Id: req_/i);
  nothingWentOn();
});

test('what is refused before there is a request is counted by its code like the rest', async () => {
  const count = async () => {
    const { text } = await gateway.call('/metrics');
    return Number(/holdfast_refused_total\{code="malformed_request"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await count();
  await exchange(gateway.port, 'nonsense\r\n\r\n');
  expect(await count()).toBe(before + 1);
});

describe('methods', () => {
  test.each(['TRACE', 'PROPFIND', 'MKCOL', 'LOCK', 'SEARCH'])('%s is 405 everywhere', async (method) => {
    for (const path of ['/v1/venues', '/', '/v1/auth/login']) {
      const { status, json, headers } = await gateway.call(path, { method });
      expect([status, json.code]).toEqual([405, 'method_not_allowed']);
      expect(headers['allow']).toContain('GET');
    }
  });

  test.each([
    ['GET', '/v1/auth/logout-all'],
    ['HEAD', '/v1/auth/logout-all'],
    ['GET', '/v1/bookings/bkg_1/cancel'],
    ['HEAD', '/v1/bookings/bkg_1/pay'],
  ])('%s %s changes nothing: 405 with Allow', async (method, path) => {
    const { status, headers } = await gateway.call(path, { method, token });
    expect([status, headers['allow']]).toEqual([405, 'POST, OPTIONS']);
    nothingWentOn();
  });
});

describe('every answer', () => {
  test.each([
    ['/v1/venues', 200],
    ['/v1/bookings', 401],
    ['/v1/nothing', 404],
    ['/v1/venues?a=1&a=2', 400],
  ])('of %s has the headers that keep browsers from making something of it', async (path, status) => {
    const answer = await gateway.call(path);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d{7,}/),
    });
    for (const name of ['x-powered-by', 'server']) expect(answer.headers).not.toHaveProperty(name);
  });

  test('that concerns sign-in is not to be stored, refusals included', async () => {
    const answers = [
      await gateway.call('/v1/auth/login', { body: { email: 'no@example.com', password: 'wrong password' } }),
      await gateway.call('/v1/auth/login', { raw: 'x' }),
      await gateway.call('/v1/auth/me'),
      await gateway.call('/v1/auth/me', { token }),
      await gateway.call('/v1/auth/nothing'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 415, 401, 200, 404]);
    for (const { headers } of answers) expect(headers['cache-control']).toBe('no-store');
  });

  test('pages keep their own policy, and may not be framed', async () => {
    for (const path of ['/docs', '/problems']) {
      const { headers } = await gateway.call(path, { headers: { accept: 'text/html' } });
      expect(headers['content-security-policy']).toMatch(/style-src.*frame-ancestors 'none'/);
    }
  });
});

describe('JSON', () => {
  const send = (raw: string) =>
    gateway.call('/v1/venues', { token, raw, headers: { 'content-type': 'application/json' } });

  test('nested 32 levels passes, one more is 400, whatever stands in strings', async () => {
    const nested = (levels: number) => '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1);
    expect((await send(nested(32))).status).toBe(200);
    gateway.booking.seen.length = 0;
    for (const raw of [nested(33), nested(100), '['.repeat(60_000), '{"a":['.repeat(50)]) {
      const { status, json } = await send(raw);
      expect([status, json.code]).toEqual([400, 'malformed_json']);
    }
    nothingWentOn();
    expect((await send(JSON.stringify({ a: `"\\${'[{'.repeat(500)}` }))).status).toBe(200);
  });

  test('that is large or deep is refused in next to no time', async () => {
    const bodies = [
      '['.repeat(65_000),
      '{"a":'.repeat(13_000),
      `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join(',')}}`,
      `"${'\\"['.repeat(20_000)}"`,
    ];
    for (const raw of bodies) {
      const before = process.cpuUsage();
      const { status } = await send(raw);
      const { user, system } = process.cpuUsage(before);
      expect([400, 413, 422]).toContain(status);
      // Client and gateway share this process.
      expect((user + system) / 1000).toBeLessThan(100);
    }
  });

  test.each([
    ['{"__proto__":{"polluted":1}}', '/__proto__'],
    ['{"a":[{"__proto__":1}]}', '/a/0/__proto__'],
    ['{"\\u005f_proto__":1}', '/__proto__'],
    ['{"name":"\\ud800"}', '/name'],
    ['{"name":"a\\u0000b"}', '/name'],
    ['{"a":[["\\udc00\\ud800"]]}', '/a/0/0'],
    ['{"x\\u0000":1}', '/?'],
  ])('%s is 422 and says where', async (raw, pointer) => {
    const { status, json } = await send(raw);
    expect([status, json.code, json.errors[0]?.pointer]).toEqual([422, 'validation_failed', pointer]);
    nothingWentOn();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('with escapes that are fine passes as it is', async () => {
    const raw = '{"name":"\\ud83c\\udfad \\u0041 __proto__"}';
    expect((await send(raw)).status).toBe(200);
    expect(gateway.booking.seen[0]?.body.toString()).toBe(raw);
  });
});

describe('/metrics', () => {
  test('is there for those who may read it and for nobody else', async () => {
    expect((await gateway.call('/metrics')).text).toContain('holdfast_http_request_duration_seconds');
    const outside = await gateway.call('/metrics', { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect([outside.status, outside.json.code]).toEqual([404, 'not_found']);
  });

  test.each(['/internal/holds', '/internal/audit', '/v1/%62ookings', '//metrics', '/%6detrics'])(
    '%s is 404',
    async (path) => {
      expect((await gateway.call(path, { token })).status).toBe(404);
      nothingWentOn();
    },
  );
});
