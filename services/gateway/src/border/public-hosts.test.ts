import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exchange } from '../testing/exchange.ts';
import { startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let anyHost: Awaited<ReturnType<typeof startGatewayOn>>;
beforeAll(async () => {
  gateway = await startTestGateway({ publicHosts: ['api.example.com', 'shop.example.com:8443', '[2001:db8::1]'] });
  anyHost = await startGatewayOn(gateway.database, { booking: gateway.booking.url, payment: gateway.payment.url });
});
afterAll(async () => {
  await anyHost.stop();
  await gateway.stop();
});

const asking = (host: string, path = '/v1/venues') => gateway.call(path, { headers: { host } });

describe('with public hosts', () => {
  test.each([
    'api.example.com',
    'API.Example.Com',
    'api.example.com:443',
    'api.example.com:8080',
    'shop.example.com:8443',
    '[2001:db8::1]:8080',
  ])('a request for %s is let in', async (host) => {
    expect((await asking(host)).status).toBe(200);
  });

  test.each([
    'evil',
    'evil.example',
    'api.example.com.evil.example',
    'evil.api.example.com',
    'api.example.com.',
    'api.example.com:x',
    'user@api.example.com',
    'api.example.com, evil',
    'shop.example.com',
    'shop.example.com:80',
    '127.0.0.1',
    '',
  ])('a request for "%s" is misdirected, and goes nowhere', async (host) => {
    const before = gateway.booking.seen.length;
    for (const path of ['/v1/venues', '/v1/auth/me', '/docs', '/nothing']) {
      const { status, json, headers } = await asking(host, path);
      expect([path, status, json.code]).toEqual([path, 421, 'misdirected_request']);
      expect(headers['content-type']).toContain('application/problem+json');
    }
    const login = await gateway.call('/v1/auth/login', {
      headers: { host },
      body: { email: 'a@example.com', password: 'whatever' },
    });
    expect(login.status).toBe(421);
    expect(gateway.booking.seen).toHaveLength(before);
  });

  test.each([
    ['another host in the target', 'GET http://evil/v1/venues HTTP/1.1\r\nHost: api.example.com', 421],
    ['another host in the header', 'GET http://api.example.com/v1/venues HTTP/1.1\r\nHost: evil', 421],
    ['no host', 'GET /v1/venues HTTP/1.0', 421],
    ['two hosts, the first of them ours', 'GET /v1/venues HTTP/1.1\r\nHost: api.example.com\r\nHost: evil', 400],
    ['two hosts, the last of them ours', 'GET /v1/venues HTTP/1.1\r\nHost: evil\r\nHost: api.example.com', 400],
  ])('%s is refused', async (_, head, status) => {
    const before = gateway.booking.seen.length;
    const answer = await exchange(gateway.port, `${head}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(gateway.booking.seen).toHaveLength(before);
  });

  test('health and metrics are answered to who asks by address', async () => {
    for (const path of ['/livez', '/readyz', '/healthz?verbose=1', '/metrics']) {
      expect([path, (await asking('10.0.0.7:8080', path)).status]).toEqual([path, 200]);
    }
  });

  test('each refusal is counted by its code', async () => {
    const count = async () => {
      const { text } = await asking('api.example.com', '/metrics');
      return Number(/holdfast_refused_total\{code="misdirected_request"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await count();
    await asking('evil');
    expect(await count()).toBe(before + 1);
  });
});

test('without public hosts any name is good', async () => {
  const { status } = await anyHost.call('/v1/venues', { headers: { host: 'evil' } });
  expect(status).toBe(200);
});
