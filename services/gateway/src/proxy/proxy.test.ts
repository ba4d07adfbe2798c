import http from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ASSERTION_HEADER, verifyAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { until } from '@holdfast/shared/testing/until';
import type { SeenRequest } from '../testing/fake-service.ts';
import { INTERNAL_SECRET, startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let ann: Awaited<ReturnType<TestGateway['signUp']>>;
beforeAll(async () => {
  gateway = await startTestGateway();
  ann = await gateway.signUp('Änn');
});
afterAll(() => gateway.stop());
beforeEach(() => {
  for (const service of [gateway.booking, gateway.payment]) {
    service.seen.length = 0;
    service.behave(() => ({}));
  }
});

const callerIn = (request: SeenRequest | undefined) =>
  verifyAssertion(INTERNAL_SECRET, request?.headers[ASSERTION_HEADER] as string | undefined);
const bookingId = newId('bkg');

describe('forwarding', () => {
  test('vouches for the signed-in caller and strips what the client invented', async () => {
    const answer = await gateway.call(`/v1/bookings/${bookingId}?x=1&y=%202`, {
      token: ann.access,
      headers: {
        [ASSERTION_HEADER]: 'forged',
        cookie: 'a=b',
        'x-forwarded-for': '10.0.0.1',
        'x-user-id': 'usr_root',
        'request-id': 'mine',
        'if-none-match': '"3"',
        prefer: 'return=minimal',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        'stripe-signature': 'no webhook',
      },
    });
    const [seen] = gateway.booking.seen;
    expect(seen?.url).toBe(`/v1/bookings/${bookingId}?x=1&y=%202`);
    expect(callerIn(seen)).toEqual({
      userId: ann.userId,
      role: 'customer',
      email: ann.email,
      name: 'Änn',
      address: '127.0.0.1',
      requestId: answer.headers['request-id'],
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    expect(seen?.headers).toMatchObject({ 'if-none-match': '"3"', prefer: 'return=minimal' });
    for (const name of ['cookie', 'x-forwarded-for', 'x-user-id', 'authorization', 'stripe-signature']) {
      expect(seen?.headers).not.toHaveProperty(name);
    }
  });

  test('gives back what a client may know, under an id of its own for each request', async () => {
    gateway.booking.behave(() => ({
      status: 201,
      body: '{"id":"ven_1"}',
      headers: {
        location: '/v1/venues/ven_1',
        etag: '"1"',
        'x-internal': 'secret',
        'request-id': 'theirs',
        server: 'x',
      },
    }));
    const answers = await Promise.all(
      [1, 2].map(() => gateway.call('/v1/venues', { token: ann.access, body: { name: 'V' } })),
    );
    for (const { status, headers, text } of answers) {
      expect([status, text, headers['location'], headers['etag']]).toEqual([
        201,
        '{"id":"ven_1"}',
        '/v1/venues/ven_1',
        '"1"',
      ]);
      expect(headers['request-id']).toMatch(/^req_[0-9a-z]{26}$/);
      for (const name of ['x-internal', 'server', 'x-powered-by']) expect(headers).not.toHaveProperty(name);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    expect(answers[0]!.headers['request-id']).not.toBe(answers[1]!.headers['request-id']);
  });

  test('sends each path to its service', async () => {
    await gateway.call('/v1/events');
    await gateway.call(`/v1/payments?booking_id=${bookingId}`, { token: ann.access });
    expect(gateway.booking.seen.map(({ url }) => url)).toEqual(['/v1/events']);
    expect(gateway.payment.seen.map(({ url }) => url)).toEqual([`/v1/payments?booking_id=${bookingId}`]);
  });

  test('passes a refusal of a service through as it is', async () => {
    gateway.booking.behave(() => ({
      status: 409,
      body: '{"code":"hold_expired"}',
      headers: { 'content-type': 'application/problem+json' },
    }));
    const { status, json, headers } = await gateway.call(`/v1/bookings/${bookingId}/pay`, {
      token: ann.access,
      headers: { 'idempotency-key': 'k' },
      body: {},
    });
    expect([status, json.code, headers['content-type']]).toEqual([409, 'hold_expired', 'application/problem+json']);
    expect(gateway.booking.seen[0]?.headers['idempotency-key']).toBe('k');
  });

  test('passes large answers, answers without a body and HEAD', async () => {
    const large = JSON.stringify({ data: 'x'.repeat(600_000) });
    gateway.booking.behave(() => ({ body: large }));
    expect((await gateway.call('/v1/events')).text).toBe(large);
    gateway.booking.behave(() => ({ status: 304, body: '', headers: { etag: '"2"' } }));
    const unchanged = await gateway.call('/v1/events', { headers: { 'if-none-match': '"2"' } });
    expect([unchanged.status, unchanged.headers['etag'], unchanged.text]).toEqual([304, '"2"', '']);
    gateway.booking.behave(() => ({ body: '' }));
    expect((await gateway.call('/v1/events', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('who may pass', () => {
  test('the catalogue is read without sign-in, but not with a bad token', async () => {
    expect((await gateway.call('/v1/venues')).status).toBe(200);
    expect(callerIn(gateway.booking.seen[0])).toMatchObject({ userId: null, role: null });
    expect((await gateway.call('/v1/venues', { token: 'bad' })).status).toBe(401);
  });

  test.each([
    ['GET', '/v1/bookings'],
    ['GET', '/v1/bookings/upcoming'],
    ['GET', `/v1/bookings/${bookingId}`],
    ['GET', '/v1/bookings/reference/BK20270104-7K3Q9D'],
    ['POST', '/v1/bookings'],
    ['POST', `/v1/bookings/${bookingId}/pay`],
    ['POST', `/v1/bookings/${bookingId}/cancel`],
    ['GET', '/v1/payments'],
    ['POST', '/v1/venues'],
    ['POST', '/v1/events'],
  ])('%s %s needs sign-in', async (method, path) => {
    const { status, json } = await gateway.call(path, { method, ...(method === 'POST' ? { body: {} } : {}) });
    expect([status, json.code]).toEqual([401, 'unauthenticated']);
    expect([...gateway.booking.seen, ...gateway.payment.seen]).toEqual([]);
  });
});

describe('bad requests end at the gateway', () => {
  const post = (raw: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    gateway.call(`/v1/bookings/${bookingId}/cancel`, { raw, headers, token: ann.access });

  test.each([
    ['text', { 'content-type': 'text/plain' }],
    ['no type', {}],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['a compressed body', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('%s is 415', async (_, headers) => {
    const { status, json } = await post('{}', headers as Record<string, string>);
    expect([status, json.code]).toEqual([415, 'unsupported_media_type']);
    expect(gateway.booking.seen).toEqual([]);
  });

  test.each(['{', '{"a":1}x', 'nul', '{"a":}'])('%s is 400', async (raw) => {
    const { status, json } = await post(raw);
    expect([status, json.code]).toEqual([400, 'malformed_json']);
  });

  test('bytes that are not UTF-8 are 400, and JSON that is no object is 422', async () => {
    expect((await post(Buffer.from('{"a":"\u00ff"}', 'latin1'))).status).toBe(400);
    expect((await post('"text"')).status).toBe(422);
    expect((await post('null')).status).toBe(422);
    expect(gateway.booking.seen).toEqual([]);
  });

  test('64 KiB pass and one byte more is 413, with a length or without', async () => {
    const body = (size: number) => `{"a":"${'x'.repeat(size - 8)}"}`;
    expect((await post(body(65_536))).status).toBe(200);
    expect((await post(body(65_537))).json.code).toBe('payload_too_large');
    const chunked = {
      'content-type': 'application/json',
      'transfer-encoding': 'chunked',
      'content-length': [] as never,
    };
    const { status } = await gateway.call('/v1/auth/login', { raw: body(65_537), headers: chunked });
    expect(status).toBe(413);
  });

  test('charset=utf-8 and capitals are fine', async () => {
    expect((await post('{}', { 'content-type': 'Application/JSON; Charset="UTF-8"' })).status).toBe(200);
  });

  test.each([
    '/v1/nothing',
    '/internal/holds',
    '/v1',
    '/v1/bookings/a/b/c',
    '/V1/venues',
    '//v1/venues',
    '/v1//venues',
  ])('%s is 404', async (path) => {
    const { status, json } = await gateway.call(path, { token: ann.access });
    expect([status, json.code]).toEqual([404, 'not_found']);
  });

  test.each([
    '/v1/venues/..',
    '/v1/venues/%2e%2e',
    '/v1/venues/..%2fbookings',
    '/v1/venues/a%00b',
    '/v1/venues/%',
    '/v1/venues/a%3fb',
    '/v1/bookings/../../internal/holds',
  ])('%s reaches no service', async (path) => {
    const { status } = await gateway.call(path, { token: ann.access });
    expect(status).toBe(404);
    expect(gateway.booking.seen).toEqual([]);
  });

  test('a wrong method is 405 with Allow, and OPTIONS tells the same', async () => {
    const put = await gateway.call('/v1/venues', { method: 'PUT' });
    expect([put.status, put.json.code]).toEqual([405, 'method_not_allowed']);
    expect(put.headers['allow']?.split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'POST']);
    const options = await gateway.call('/v1/auth/login', { method: 'OPTIONS' });
    expect([options.status, options.headers['allow']]).toEqual([204, 'POST, OPTIONS']);
    expect((await gateway.call('/v1/auth/login')).status).toBe(405);
  });
});

describe('provider callbacks', () => {
  test('pass byte for byte with their signature, without any sign-in', async () => {
    const raw = Buffer.from('{ "id" : "evt_1",\n\t"é": "\\u00e9" }\n\ufeff');
    const { status } = await gateway.call('/v1/webhooks/stripe', {
      raw,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': 't=1,v1=ab',
        authorization: 'Bearer junk',
      },
    });
    const [seen] = gateway.payment.seen;
    expect(status).toBe(200);
    expect(seen?.body.equals(raw)).toBe(true);
    expect(seen?.headers).toMatchObject({
      'stripe-signature': 't=1,v1=ab',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(callerIn(seen)).toMatchObject({ userId: null, address: '127.0.0.1' });
  });

  test('may have 1 MiB and not a byte more', async () => {
    const send = (size: number) => gateway.call('/v1/webhooks/stripe', { raw: Buffer.alloc(size, 32), method: 'POST' });
    expect((await send(1024 * 1024)).status).toBe(200);
    expect(gateway.payment.seen[0]?.body.length).toBe(1024 * 1024);
    expect((await send(1024 * 1024 + 1)).status).toBe(413);
  });
});

describe('when a service is down', () => {
  async function timed<T>(work: Promise<T>): Promise<[T, number]> {
    const startedAt = performance.now();
    return [await work, performance.now() - startedAt];
  }

  test('that refuses connections, its calls are 503 at once and others go on', async () => {
    const half = await startGatewayOn(gateway.database, {
      booking: 'http://127.0.0.1:9',
      payment: gateway.payment.url,
    });
    const calls = [
      half.call('/v1/venues'),
      half.call('/v1/bookings', { token: ann.access, headers: { 'idempotency-key': 'k' }, body: {} }),
      half.call(`/v1/bookings/${bookingId}/pay`, { token: ann.access, headers: { 'idempotency-key': 'k' }, body: {} }),
    ];
    const [answers, ms] = await timed(Promise.all(calls));
    for (const { status, json, headers } of answers) {
      expect([status, json.code, json.retryable, headers['retry-after']]).toEqual([
        503,
        'dependency_unavailable',
        true,
        '1',
      ]);
    }
    expect(ms).toBeLessThan(1_000);
    expect((await half.call('/v1/payments', { token: ann.access })).status).toBe(200);
    const health = await half.call('/healthz?verbose=1');
    expect(health.json).toMatchObject({
      service: 'gateway',
      status: 'ok',
      checks: { postgres: { status: 'ok' } },
      services: {
        booking: { status: 'unreachable' },
        payment: { status: 'ok' },
        notification: { status: 'unreachable' },
      },
    });
    await half.stop();
  });

  test('that is silent, its calls are 503 within 3 s', async () => {
    gateway.booking.behave(() => 'silence');
    const calls = [
      gateway.call('/v1/venues'),
      gateway.call('/v1/bookings', { token: ann.access, headers: { 'idempotency-key': 'k' }, body: {} }),
    ];
    const [answers, ms] = await timed(Promise.all(calls));
    expect(answers.map(({ status, json }) => [status, json.code])).toEqual([
      [503, 'dependency_unavailable'],
      [503, 'dependency_unavailable'],
    ]);
    expect(ms).toBeLessThan(3_000);
  });

  test('what a client has waited before its call is sent on is taken off the time that the service has', async () => {
    const slowlyMs = 400;
    const body = Buffer.from('{}');
    await new Promise<void>((resolve, reject) => {
      const request = http.request({
        host: '127.0.0.1',
        port: gateway.port,
        path: `/v1/bookings/${bookingId}/pay`,
        method: 'POST',
        headers: {
          authorization: `Bearer ${ann.access}`,
          'content-type': 'application/json',
          'content-length': body.length,
          'idempotency-key': 'slowly',
          // Answered when the request has come, before its body.
          expect: '100-continue',
        },
      });
      request.on('error', reject).on('response', (response) => response.resume().on('end', resolve));
      request.on('continue', () => {
        const cameAt = performance.now();
        void until('the body to be late', () => performance.now() - cameAt > slowlyMs).then(() => request.end(body));
      });
      request.flushHeaders();
    });
    const left = Number(gateway.booking.seen[0]?.headers['holdfast-deadline-ms']);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2_700 - slowlyMs);
  });

  test('that cuts a connection is asked once more where that is harmless', async () => {
    let calls = 0;
    gateway.booking.behave(() => (++calls === 1 ? 'reset' : { body: '{"second":true}' }));
    expect((await gateway.call('/v1/venues')).json).toEqual({ second: true });
    calls = 0;
    expect((await gateway.call('/v1/venues', { token: ann.access, body: {} })).status).toBe(503);
    expect(calls).toBe(1);
  });
});

describe('POST /v1/bookings', () => {
  interface Batch {
    commands: { assertion: string; key: string | null; deadline_ms: number; body: unknown }[];
  }
  const answerAll = (request: SeenRequest) => {
    const { commands } = JSON.parse(request.body.toString()) as Batch;
    const answers = commands.map((command) => ({
      status: command.key === 'taken' ? 409 : 201,
      headers: { location: `/v1/bookings/${command.key}` },
      body: JSON.stringify({ key: command.key, got: command.body }),
    }));
    return { body: JSON.stringify({ answers }) };
  };
  const hold = (key: string, body: unknown = { event_id: 'e' }) =>
    gateway.call('/v1/bookings', { token: ann.access, headers: { 'idempotency-key': key }, body });

  test('gives each client of a shared call its own answer', async () => {
    gateway.booking.behave(answerAll);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => hold(`k${n}`, { n })));
    answers.forEach(({ status, json, headers }, n) => {
      expect([status, json]).toEqual([201, { key: `k${n}`, got: { n } }]);
      expect(headers['location']).toBe(`/v1/bookings/k${n}`);
      expect(headers['request-id']).toMatch(/^req_/);
    });
    const [first] = (JSON.parse(gateway.booking.seen[0]!.body.toString()) as Batch).commands;
    expect(gateway.booking.seen[0]?.url).toBe('/internal/holds');
    expect(verifyAssertion(INTERNAL_SECRET, first?.assertion)).toMatchObject({ userId: ann.userId, role: 'customer' });
    expect(first?.deadline_ms).toBeGreaterThan(2_000);
  });

  test('marks a refusal as a problem', async () => {
    gateway.booking.behave(answerAll);
    const { status, headers } = await hold('taken');
    expect([status, headers['content-type']]).toEqual([409, 'application/problem+json']);
  });

  test('asks again by the key when the answer is lost', async () => {
    let calls = 0;
    gateway.booking.behave((request) => (++calls === 1 ? 'reset' : answerAll(request)));
    expect((await hold('again')).status).toBe(201);
    const keys = gateway.booking.seen.map(({ body }) => (JSON.parse(body.toString()) as Batch).commands[0]?.key);
    expect(keys).toEqual(['again', 'again']);
  });

  test('sends a hold that must wait apart by itself, while those beside it are answered', async () => {
    const apart: (() => void)[] = [];
    gateway.booking.behave((request) => {
      if (request.url === '/internal/holds/apart')
        return new Promise((resolve) => apart.push(() => resolve(answerAll(request))));
      const { commands } = JSON.parse(request.body.toString()) as Batch;
      const answers = commands.map(({ key }) =>
        key === 'slow' ? { status: 307, headers: {}, body: '' } : { status: 201, body: '{}' },
      );
      return { body: JSON.stringify({ answers }) };
    });
    const slow = hold('slow', { n: 1 });
    expect((await Promise.all([hold('a'), hold('b')])).map(({ status }) => status)).toEqual([201, 201]);
    await until('the hold to come apart', () => apart.length === 1);
    apart[0]!();
    expect((await slow).json).toEqual({ key: 'slow', got: { n: 1 } });
    const alone = gateway.booking.seen.find(({ url }) => url === '/internal/holds/apart');
    expect((JSON.parse(alone!.body.toString()) as Batch).commands.map(({ key }) => key)).toEqual(['slow']);
  });

  test('without a key or a body leaves the refusal to booking, and never carries broken JSON there', async () => {
    gateway.booking.behave(answerAll);
    const bare = await gateway.call('/v1/bookings', { method: 'POST', token: ann.access });
    expect(bare.json).toEqual({ key: null, got: {} });
    gateway.booking.seen.length = 0;
    const broken = await gateway.call('/v1/bookings', {
      token: ann.access,
      raw: '{"a":1}]},{',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.json.code).toBe('malformed_json');
    expect(gateway.booking.seen).toEqual([]);
  });
});
