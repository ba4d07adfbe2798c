import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { startGatewayOn, startTestGateway, type Answer, type TestGateway } from '../testing/test-gateway.ts';
import { startTcpLink } from '../testing/tcp-link.ts';
import { readPolicies } from './policy-rules.ts';
import { pruneAttempts } from './prune-attempts.ts';

/** The defaults: nothing here is scaled. */
const limits = readPolicies('', 1).policies;
const logger = createLogger({ service: 'test', level: 'silent' });

let gateway: TestGateway;
let pool: Pool;
let ann: Awaited<ReturnType<TestGateway['signUp']>>;
beforeAll(async () => {
  gateway = await startTestGateway({ limits, trustedProxies: ['127.0.0.1'] });
  pool = createPool({
    connectionString: gateway.database.url('identity'),
    ...{ schema: 'identity', applicationName: 'test', logger, max: 1 },
  });
  ann = await gateway.signUp();
});
afterAll(async () => {
  await pool.end();
  await gateway.stop();
});
beforeEach(() => pool.query('delete from auth_attempts'));

let hosts = 0;
const anotherAddress = () => `198.51.${(hosts += 1)}.1`;
const logIn = (email: string, password: string, from: string, at: Pick<TestGateway, 'call'> = gateway) =>
  at.call('/v1/auth/login', { body: { email, password }, headers: { 'x-forwarded-for': from } });
const wrong = (from: string, email = ann.email) => logIn(email, 'not the password', from);
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);

describe('wrong passwords', () => {
  test('the sixth for an account within 15 minutes is 429, from whatever address, and so is the right one', async () => {
    for (let n = 0; n < 5; n += 1) expect((await wrong(anotherAddress())).status).toBe(401);
    const sixth = await wrong(anotherAddress());
    expect([sixth.status, sixth.json.code]).toEqual([429, 'rate_limited']);
    expect(sixth.headers['ratelimit-policy']).toBe('"login_failures_account";q=5;w=900');
    const wait = Number(sixth.headers['retry-after']);
    expect(wait).toBeGreaterThan(850);
    expect(wait).toBeLessThanOrEqual(900);
    expect(sixth.headers['cache-control']).toBe('no-store');
    expect((await logIn(ann.email, ann.password, anotherAddress())).status).toBe(429);
    // No permanent lock: a known session goes on, and after the window the password works again.
    expect((await gateway.call('/v1/auth/me', { token: ann.access })).status).toBe(200);
    await gateway.database.advanceClock(15 * 60_000);
    expect((await logIn(ann.email, ann.password, anotherAddress())).status).toBe(200);
  });

  test('an unknown account is treated like a known one, however its address is written', async () => {
    const answers = [];
    for (const email of ['no@example.com', 'No@Example.com', 'NO@EXAMPLE.COM', 'no@example.com', 'nO@example.com']) {
      answers.push(await wrong(anotherAddress(), email));
    }
    expect(statuses([...answers, await wrong(anotherAddress(), 'no@EXAMPLE.com')])).toEqual([
      401, 401, 401, 401, 401, 429,
    ]);
  });

  test('the twenty-first from an address is 429, whatever the account; another address goes on', async () => {
    const from = anotherAddress();
    const answers = [];
    for (let n = 0; n < 21; n += 1) answers.push(await wrong(from, `somebody${n}@example.com`));
    expect(statuses(answers)).toEqual([...Array<number>(20).fill(401), 429]);
    expect(answers[20]!.headers['ratelimit-policy']).toMatch(/^"login_failures_address"/);
    expect((await logIn(ann.email, ann.password, from)).status).toBe(429);
    expect((await logIn(ann.email, ann.password, anotherAddress())).status).toBe(200);
  });

  test('guesses that come all at once are no way round', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => wrong(anotherAddress())));
    expect(statuses(answers).sort((a, b) => a - b)).toEqual([
      ...Array<number>(5).fill(401),
      ...Array<number>(25).fill(429),
    ]);
  });

  test('a right password is not counted, even in a crowd', async () => {
    const from = anotherAddress();
    const answers = await Promise.all(Array.from({ length: 30 }, () => logIn(ann.email, ann.password, from)));
    expect(statuses(answers)).toEqual(Array<number>(30).fill(200));
    expect((await wrong(from)).status).toBe(401);
  });

  test('are counted for all gateways together', async () => {
    const other = await startGatewayOn(
      gateway.database,
      { booking: gateway.booking.url, payment: gateway.payment.url },
      { limits, trustedProxies: ['127.0.0.1'] },
    );
    for (let n = 0; n < 5; n += 1) await wrong(anotherAddress());
    expect((await logIn(ann.email, ann.password, anotherAddress(), other)).status).toBe(429);
    await other.stop();
  });
});

describe('other attempts', () => {
  test('registering is limited by address and by account', async () => {
    const small = await startGatewayOn(
      gateway.database,
      { booking: gateway.booking.url, payment: gateway.payment.url },
      { limits: readPolicies('register_address=3/600s,register_account=2/600s', 1).policies },
    );
    const register = (email: string) =>
      small.call('/v1/auth/register', { body: { email, password: 'a long password', name: 'N' } });
    const answers = [];
    for (const email of ['one@example.com', 'one@example.com', 'ONE@example.com', 'two@example.com']) {
      answers.push(await register(email));
    }
    expect(statuses(answers)).toEqual([201, 409, 429, 429]);
    expect(answers.slice(2).map(({ headers }) => headers['ratelimit-policy']?.split(';')[0])).toEqual([
      '"register_account"',
      '"register_address"',
    ]);
    await small.stop();
  });

  test('a refresh token is not tried without end', async () => {
    const small = await startGatewayOn(
      gateway.database,
      { booking: gateway.booking.url, payment: gateway.payment.url },
      { limits: readPolicies('refresh_session=2/600s', 1).policies },
    );
    const refresh = (token: string) => small.call('/v1/auth/refresh', { body: { refresh_token: token } });
    const token = 'x'.repeat(43);
    expect(statuses([await refresh(token), await refresh(token), await refresh(token)])).toEqual([401, 401, 429]);
    expect((await refresh('y'.repeat(43))).status).toBe(401);
    await small.stop();
  });

  test('sixty new customers at one address are no abuse', async () => {
    const from = anotherAddress();
    for (let n = 0; n < 60; n += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          gateway.call('/v1/auth/register', {
            body: { email: `crowd${n + i}@example.com`, password: 'a long password', name: 'N' },
            headers: { 'x-forwarded-for': from },
          }),
        ),
      );
      expect(statuses(answers)).toEqual(Array<number>(20).fill(201));
    }
  });
});

test('nothing that names a person is written down', async () => {
  await wrong(anotherAddress());
  const { rows } = await pool.query<{ policy: string; subject: Buffer }>('select policy, subject from auth_attempts');
  expect(rows.length).toBeGreaterThanOrEqual(4);
  for (const { subject } of rows) expect(subject).toHaveLength(32);
});

test('without PostgreSQL nobody guesses uncounted: 503', async () => {
  const direct = new URL(gateway.database.url('identity'));
  const link = await startTcpLink({ host: direct.hostname, port: Number(direct.port) });
  const url = new URL(direct);
  url.host = `127.0.0.1:${link.port}`;
  const cut = await startGatewayOn(
    gateway.database,
    { booking: gateway.booking.url, payment: gateway.payment.url },
    { limits, databaseUrl: url.href },
  );
  await link.set('refuse');
  const answer = await cut.call('/v1/auth/login', { body: { email: ann.email, password: 'not the password' } });
  expect([answer.status, answer.json.code]).toEqual([503, 'dependency_unavailable']);
  expect(answer.headers['retry-after']).toBe('1');
  await cut.stop();
  await link.stop();
});

test('windows that are over are deleted, others are not', async () => {
  const count = async () => (await pool.query<{ n: bigint }>('select count(*) as n from auth_attempts')).rows[0]!.n;
  await wrong(anotherAddress());
  // An attempt and a failure, each of an account and of an address.
  expect(await count()).toBe(4n);
  await pruneAttempts(pool);
  expect(await count()).toBe(4n);
  await gateway.database.advanceClock(2 * 3_600_000);
  await pruneAttempts(pool);
  expect(await count()).toBe(0n);
});
