import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { startTestRedis, type TestRedis } from '@holdfast/shared/testing/test-redis';
import { until } from '@holdfast/shared/testing/until';
import type { Config } from '../config.ts';
import { startGatewayOn, startTestGateway, type Answer, type TestGateway } from '../testing/test-gateway.ts';
import { readPolicies } from './policy-rules.ts';

let redis: TestRedis;
let home: TestGateway;
let people: Awaited<ReturnType<TestGateway['signUp']>>[];
beforeAll(async () => {
  redis = await startTestRedis();
  home = await startTestGateway();
  people = [await home.signUp(), await home.signUp()];
  home.booking.behave(() => ({ body: '{"answers":[{"status":201,"body":"{}"}]}' }));
});
afterAll(async () => {
  await home.stop();
  await redis.stop();
});

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.stop()));
  await redis.restart();
});

/** A gateway with limits that a test can reach; the others are out of reach. */
async function limited(limits: string, overrides: Partial<Config> = {}) {
  const policies = { ...readPolicies('', 1_000).policies, ...namedOf(limits) };
  const gateway = await startGatewayOn(
    home.database,
    { booking: home.booking.url, payment: home.payment.url },
    { limits: policies, redisUrl: redis.url, ...overrides },
  );
  opened.push(gateway);
  // What comes before is counted by the process alone.
  await until('Redis is connected', async () =>
    (await gateway.call('/healthz?verbose=1')).text.includes('"redis":{"status":"ok"'),
  );
  return gateway;
}

function namedOf(limits: string) {
  const { policies, wrong } = readPolicies(limits, 1);
  expect(wrong).toEqual([]);
  const names = limits.split(',').map((part) => part.split('=')[0] as keyof typeof policies);
  return Object.fromEntries(names.map((name) => [name, policies[name]]));
}

const many = (count: number, call: () => Promise<Answer>) => Promise.all(Array.from({ length: count }, call));
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort((a, b) => a - b);
const counts = (answers: readonly Answer[]) => ({
  passed: answers.filter(({ status }) => status < 300).length,
  refused: answers.filter(({ status }) => status === 429).length,
});

describe('a signed-in user', () => {
  test('gets the limit and the burst, then 429 that says when and why, and others are not touched', async () => {
    const gateway = await limited('user=7/60s+3');
    const list = (person = 0) => gateway.call('/v1/bookings', { token: people[person]!.access });
    const answers = await many(25, () => list());
    expect(counts(answers)).toEqual({ passed: 10, refused: 15 });
    const refused = answers.find(({ status }) => status === 429)!;
    expect(refused.json).toMatchObject({ code: 'rate_limited', retryable: true });
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(refused.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    // One token comes every 60/7 s.
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(9);
    expect(refused.headers['ratelimit-policy']).toBe('"user";q=10;w=60');
    expect(refused.headers['ratelimit']).toMatch(/^"user";r=0;t=\d+$/);
    expect((await list(1)).status).toBe(200);
    expect((await gateway.call('/v1/venues', { token: people[0]!.access })).status).toBe(200);
  });

  test('is told what is left', async () => {
    const gateway = await limited('user=7/60s+3');
    const first = await gateway.call('/v1/bookings', { token: people[0]!.access });
    expect(first.headers['ratelimit-policy']).toBe('"user";q=10;w=60');
    expect(first.headers['ratelimit']).toMatch(/^"user";r=9;t=\d+$/);
  });

  test('who has browsed too much can still hold and pay, and the other way round', async () => {
    const gateway = await limited('user=5/60s,checkout=3/60s');
    const token = people[0]!.access;
    const key = () => ({ 'idempotency-key': newId('req') });
    await many(10, () => gateway.call('/v1/bookings', { token }));
    expect((await gateway.call('/v1/bookings', { token })).status).toBe(429);
    expect((await gateway.call('/v1/bookings', { token, headers: key(), body: {} })).status).toBe(201);
    const pay = () => gateway.call(`/v1/bookings/${newId('bkg')}/pay`, { token, headers: key(), body: {} });
    // One hold is counted already.
    expect(counts(await many(6, pay))).toEqual({ passed: 2, refused: 4 });
    expect((await gateway.call('/v1/bookings', { token, headers: key(), body: {} })).status).toBe(429);
  });

  test('a refusal does not use the Idempotency-Key up: it never reaches the service', async () => {
    const gateway = await limited('checkout=1/60s');
    home.booking.seen.length = 0;
    const hold = () =>
      gateway.call('/v1/bookings', { token: people[0]!.access, headers: { 'idempotency-key': 'same' }, body: {} });
    expect(statuses([await hold(), await hold()])).toEqual([201, 429]);
    expect(home.booking.seen).toHaveLength(1);
  });

  test('of the staff has limits of its own', async () => {
    const gateway = await limited('user=1/60s,staff=8/60s');
    const admin = await home.call('/v1/auth/login', {
      body: { email: 'admin@example.com', password: 'the admin password' },
    });
    const answers = await many(20, () => gateway.call('/v1/bookings', { token: admin.json.access_token }));
    expect(counts(answers)).toEqual({ passed: 8, refused: 12 });
  });
});

describe('an address', () => {
  test('has its own limit on public routes', async () => {
    const gateway = await limited('public=4/60s');
    expect(counts(await many(9, () => gateway.call('/v1/venues')))).toEqual({ passed: 4, refused: 5 });
    expect((await gateway.call('/v1/bookings', { token: people[0]!.access })).status).toBe(200);
  });

  test('is limited as a whole, whoever is signed in and also where nothing is', async () => {
    const gateway = await limited('address=6/60s');
    const calls = [
      ...people.map(({ access }) => gateway.call('/v1/bookings', { token: access })),
      gateway.call('/v1/venues'),
      gateway.call('/v1/nothing'),
      gateway.call('/v1/auth/me', { token: people[0]!.access }),
      gateway.call('/v1/bookings', { token: 'bad' }),
    ];
    expect(statuses(await Promise.all(calls))).toEqual([200, 200, 200, 200, 401, 404]);
    expect((await gateway.call('/v1/venues')).json.code).toBe('rate_limited');
    // Health checks and callbacks of the provider come from busy addresses, too.
    expect((await gateway.call('/livez')).status).toBe(200);
    expect((await gateway.call('/v1/webhooks/stripe', { raw: '{}' })).status).toBe(200);
    expect((await gateway.call('/v1/webhooks/stripe', { method: 'GET' })).status).toBe(429);
  });

  test('is the client, not the proxy, and an IPv6 client is its network', async () => {
    const gateway = await limited('public=1/60s', { trustedProxies: ['127.0.0.1'] });
    const from = async (address: string) =>
      (await gateway.call('/v1/venues', { headers: { 'x-forwarded-for': address } })).status;
    expect([await from('203.0.113.1'), await from('203.0.113.1'), await from('203.0.113.2')]).toEqual([200, 429, 200]);
    expect([await from('2001:db8::1'), await from('2001:db8:0:ff::2'), await from('2001:db8:0:100::')]).toEqual([
      200, 429, 200,
    ]);
  });

  test('that goes on after many refusals is shut out for a while, from everything but its health checks', async () => {
    const gateway = await limited('public=1/60s,flood=5/60s');
    expect(counts(await many(10, () => gateway.call('/v1/venues')))).toEqual({ passed: 1, refused: 9 });
    const shutOut = await until('the block is known', async () => {
      const answer = await gateway.call('/v1/bookings', { token: people[0]!.access });
      return answer.status === 429 && answer;
    });
    expect(shutOut.headers['ratelimit-policy']).toMatch(/^"flood"/);
    expect(Number(shutOut.headers['retry-after'])).toBeGreaterThan(50);
    expect((await gateway.call('/livez')).status).toBe(200);
  });
});

describe('everybody together', () => {
  test('are limited over all shards', async () => {
    const gateway = await limited('global=16/60s');
    expect(counts(await many(40, () => gateway.call('/v1/venues')))).toEqual({ passed: 16, refused: 24 });
  });
});

describe('two gateways', () => {
  test('share the limits through Redis', async () => {
    const [one, two] = [await limited('user=10/60s'), await limited('user=10/60s')];
    const call = (gateway: typeof one) => () => gateway.call('/v1/bookings', { token: people[0]!.access });
    const answers = [...(await many(8, call(one))), ...(await many(8, call(two)))];
    expect(counts(answers)).toEqual({ passed: 10, refused: 6 });
  });

  test('go on without it, each by itself', async () => {
    const gateway = await limited('user=4/60s');
    await redis.kill();
    const call = () => gateway.call('/v1/bookings', { token: people[0]!.access });
    expect(counts(await many(10, call))).toEqual({ passed: 4, refused: 6 });
    expect((await gateway.call('/readyz')).status).toBe(200);
  });
});

test('refusals are counted by policy and by code', async () => {
  const gateway = await limited('public=1/60s');
  await many(4, () => gateway.call('/v1/venues'));
  const { text } = await gateway.call('/metrics');
  expect(text).toMatch(/holdfast_rate_limited_total\{policy="public",service="gateway"\} 3/);
  expect(text).toMatch(/holdfast_refused_total\{code="rate_limited",service="gateway"\} 3/);
});
