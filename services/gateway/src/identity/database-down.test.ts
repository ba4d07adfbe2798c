import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startTcpLink, type TcpLink } from '../testing/tcp-link.ts';
import {
  ADMIN,
  buildTestService,
  startGatewayOn,
  startTestGateway,
  type TestGateway,
} from '../testing/test-gateway.ts';

let first: TestGateway;
let link: TcpLink;
let gateway: Awaited<ReturnType<typeof startGatewayOn>>;
let services: { booking: string; payment: string };
let databaseUrl: string;
let token: string;

beforeAll(async () => {
  first = await startTestGateway();
  services = { booking: first.booking.url, payment: first.payment.url };
  const url = new URL(first.database.url('identity'));
  link = await startTcpLink({ host: url.hostname, port: Number(url.port) });
  url.port = String(link.port);
  databaseUrl = url.href;
  gateway = await startGatewayOn(first.database, services, { databaseUrl });
  token = (await first.signUp()).access;
  await gateway.call('/v1/venues', { token });
});
beforeEach(() => link.set('pass'));
afterAll(async () => {
  await link.set('pass');
  await gateway.stop();
  await link.stop();
  await first.stop();
});

describe.each(['refuse', 'silent'] as const)('when the identity database is gone (%s)', (mode) => {
  test('sign-in is 503 within 3 s, requests with tokens go on, and it recovers by itself', async () => {
    await link.set(mode);
    const startedAt = performance.now();
    const login = await gateway.call('/v1/auth/login', { body: ADMIN });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect([login.status, login.json.code, login.headers['retry-after']]).toEqual([503, 'dependency_unavailable', '1']);
    expect(login.headers['content-type']).toContain('application/problem+json');

    expect((await gateway.call('/v1/venues', { token })).status).toBe(200);
    const [live, ready] = [await gateway.call('/livez'), await gateway.call('/readyz')];
    expect([live.status, ready.status]).toEqual([200, 503]);

    await link.set('pass');
    expect((await gateway.call('/v1/auth/login', { body: ADMIN })).status).toBe(200);
  });
});

test('a gateway that starts before its database listens, says so, and works as soon as the database is there', async () => {
  await link.set('refuse');
  const early = buildTestService(first.database, services, { databaseUrl });
  const port = await early.start();
  const get = async (path: string, init: RequestInit = {}) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
  expect(await get('/livez')).toBe(200);
  expect(await get('/readyz')).toBe(503);
  expect(await get('/v1/venues')).toBe(200);
  expect(await get('/v1/venues', { headers: { authorization: `Bearer ${token}` } })).toBe(503);
  await link.set('pass');
  await early.identity.runOnce();
  expect(await get('/readyz')).toBe(200);
  expect(await get('/v1/venues', { headers: { authorization: `Bearer ${token}` } })).toBe(200);
  await early.stop();
});
