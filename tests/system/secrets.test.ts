import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { until } from '@holdfast/shared/testing/until';
import { aCaller, createApiClient, createAssertedClient, type ApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { PASSWORD, signInAdmin, signUp } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { untilMail } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Part, type Stack } from '../support/stack.ts';

const NEXT_SECRET = 'the-next-internal-secret-of-the-tests-9876543210';
const NEXT_WEBHOOK_SECRET = 'whsec_next_of_the_tests_9876543210';
const CARD = '4242424242424242';
const SERVICES = ['booking', 'payment', 'notification'] as const;

const NATS_PASSWORDS = ['the-first-of-nats-0123456789', 'the-next-of-nats-0123456789'] as const;
const REDIS_PASSWORDS = ['the-first-of-redis-0123456789', 'the-next-of-redis-0123456789'] as const;
const SMS_AUTHORIZATION = 'Bearer of-the-sms-provider-0123456789';

let stack: Stack;
let admin: ApiClient;
/** Somebody else at Redis than those whose password changes. */
let redisAdmin: Redis;
/** Writes the addresses of NATS and Redis with the first password or the next one. */
let writeAddresses: (which: 0 | 1) => void;
const dir = mkdtempSync(join(tmpdir(), 'holdfast-rotation-'));
const file = (name: string) => join(dir, name);
/** As an operator or an orchestrator replaces a secret: another file takes the name in one step. */
const write = (name: string, ...secrets: string[]) => {
  writeFileSync(`${file(name)}.next`, secrets.map((secret) => `${secret}\n`).join(''), { mode: 0o600 });
  renameSync(`${file(name)}.next`, file(name));
};

beforeAll(async () => {
  write('internal', 'an-internal-secret-for-tests-alone-0123456789');
  write('webhooks', 'whsec_for_tests_alone_0123456789');
  const internal = {
    HOLDFAST_INTERNAL_SECRET: '',
    HOLDFAST_INTERNAL_SECRET_FILE: file('internal'),
    HOLDFAST_LOG_LEVEL: 'debug',
    NATS_URL: '',
    NATS_URL_FILE: file('nats'),
    REDIS_URL: '',
    REDIS_URL_FILE: file('redis'),
  };
  stack = await startStack({
    parts: WHOLE_PATH,
    redis: true,
    async onServers({ nats, redis }) {
      const first = new Redis(redis!);
      await first.acl('SETUSER', 'admin', 'on', '>admin', '~*', '&*', '+@all');
      await first.acl('SETUSER', 'default', 'resetpass', `>${REDIS_PASSWORDS[0]}`);
      first.disconnect();
      redisAdmin = new Redis(redis!, { username: 'admin', password: 'admin' });
      writeAddresses = (which) => {
        write('nats', nats.replace('//', `//holdfast:${NATS_PASSWORDS[which]}@`));
        write('redis', redis!.replace('//', `//:${REDIS_PASSWORDS[which]}@`));
      };
      writeAddresses(0);
    },
    env: {
      gateway: internal,
      booking: internal,
      notification: {
        ...internal,
        HOLDFAST_SMS_URL: 'http://127.0.0.1:9/',
        HOLDFAST_SMS_AUTHORIZATION: SMS_AUTHORIZATION,
      },
      payment: {
        ...internal,
        HOLDFAST_STRIPE_WEBHOOK_SECRETS: '',
        HOLDFAST_STRIPE_WEBHOOK_SECRETS_FILE: file('webhooks'),
      },
    },
  });
  admin = (await signInAdmin(stack)).api;
}, 60_000);
afterAll(async () => {
  redisAdmin?.disconnect();
  await stack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const PROBE = {
  booking: '/v1/bookings',
  payment: '/internal/reconciliation',
  notification: '/internal/deliveries',
} as const;
/** Whether a service believes what is signed with this secret. */
async function believes(service: (typeof SERVICES)[number], secret: string): Promise<boolean> {
  const client = createAssertedClient(stack.url(service), secret, aCaller({ role: 'operator' }));
  return (await client.get(PROBE[service])).status !== 401;
}

test('the internal secret is replaced while requests are under way, and none of them is refused', async () => {
  const ann = await signUp(stack, 'Ann');
  const eventId = await makePoolEvent(admin, { capacity: 50, amount: 0 });
  let going = true;
  const statuses: number[] = [];
  const traffic = (async () => {
    while (going) {
      const held = await ann.api.post<BookingJson>('/v1/bookings', { event_id: eventId, quantity: 1 });
      const read = await ann.api.get('/v1/bookings?limit=1');
      const left = await ann.api.post(`/v1/bookings/${held.body?.id}/cancel`, { reason: 'only to keep things moving' });
      statuses.push(held.status, read.status, left.status);
    }
  })();
  const old = stack.internalSecret;
  // First everybody learns the new one, then the gateway signs with it, and at last nobody takes the old one any more.
  write('internal', old, NEXT_SECRET);
  for (const service of SERVICES)
    await until(`${service} to know the next secret`, () => believes(service, NEXT_SECRET));
  write('internal', NEXT_SECRET, old);
  for (const service of SERVICES) expect(await believes(service, old)).toBe(true);
  // The gateway reads its file again with the first request after a second; the round after that is signed with the new one.
  const writtenAt = performance.now();
  await until('a second to have passed', async () => performance.now() - writtenAt > 1_000);
  const before = statuses.length;
  await until('the gateway to sign with it', async () => statuses.length >= before + 6);
  write('internal', NEXT_SECRET);
  for (const service of SERVICES)
    await until(`${service} to forget the old secret`, async () => !(await believes(service, old)));
  going = false;
  await traffic;
  expect(statuses.length).toBeGreaterThan(10);
  expect(statuses.filter((status) => ![200, 201].includes(status))).toEqual([]);
}, 60_000);

test('the passwords of NATS and Redis are replaced while bookings are paid for, and no call fails', async () => {
  const customers = await Promise.all(['Cleo', 'Dora', 'Emil'].map((name) => signUp(stack, name)));
  const eventId = await makePoolEvent(admin, { capacity: 500 });
  let going = true;
  let booked = 0;
  const statuses: number[] = [];
  const traffic = Promise.all(
    customers.map(async ({ api }) => {
      while (going) {
        const held = await api.post<BookingJson>('/v1/bookings', { event_id: eventId, quantity: 1 });
        const path = `/v1/bookings/${held.body?.id}`;
        const paid = await api.post<BookingJson>(`${path}/pay`, { payment_method: 'pm_card_visa' });
        statuses.push(held.status, paid.status);
        await until('it is confirmed', async () => {
          const read = await api.get<BookingJson>(path);
          statuses.push(read.status);
          return read.body?.status === 'CONFIRMED';
        });
        booked += 1;
      }
    }),
  );
  await until('bookings are made', () => booked > 2);
  // This NATS takes anybody, as one does that knows both users; Redis knows both passwords.
  await redisAdmin.acl('SETUSER', 'default', `>${REDIS_PASSWORDS[1]}`);
  writeAddresses(1);
  const said = (part: Part, text: string) => stack.process(part).lines.some((line) => line.includes(text));
  for (const part of ['gateway', ...SERVICES] as const)
    await until(`${part} is connected to NATS anew`, () => said(part, 'connection to NATS is back'));
  for (const part of ['gateway', 'booking'] as const)
    await until(`${part} has said to Redis who it is`, () => said(part, 'who we are to Redis has changed'));
  await redisAdmin.acl('SETUSER', 'default', `<${REDIS_PASSWORDS[0]}`);
  const before = booked;
  await until('bookings are made with the next ones', () => booked > before + 3);
  going = false;
  await traffic;
  // A payment that takes a moment longer is answered 202.
  expect(statuses.filter((status) => ![200, 201, 202].includes(status))).toEqual([]);
}, 60_000);

test('a mail that was under way while the secret changed still brings its token', async () => {
  const eve = await signUp(stack, 'Eve');
  const mail = await untilMail(stack.url('mail'), eve.email, 'confirm your email');
  const token = /#(\S+)/.exec(mail.text)![1];
  const verified = await createApiClient(stack.url('gateway')).post('/v1/auth/verify-email', { token }, { key: null });
  expect(verified.status).toBe(204);
});

test('callbacks signed with the next secret are taken while the old one is still good', async () => {
  write('webhooks', NEXT_WEBHOOK_SECRET, 'whsec_for_tests_alone_0123456789');
  const bob = await signUp(stack, 'Bob');
  // The simulator signs with the old secret, and this outcome comes by its callback alone.
  const eventId = await makePoolEvent(admin);
  const booking = await bookPatiently(bob.api, { event_id: eventId, quantity: 1 }, 'pm_sim_webhook_only_200');
  expect(booking.status).toBe('CONFIRMED');
});

describe('no secret is written down', () => {
  test('in any log line, event, dead letter or error, of each class of secrets', async () => {
    const gateway = createApiClient(stack.url('gateway'));
    const canaries = new Map<string, string>([
      ['internal secret', stack.internalSecret],
      ['next internal secret', NEXT_SECRET],
      ['webhook secret', 'whsec_for_tests_alone_0123456789'],
      ['next webhook secret', NEXT_WEBHOOK_SECRET],
      ['API key of the provider', stack.providerKey],
      ['database password', stack.secrets[0]!],
      ['admin password', stack.admin.password],
      ['password', PASSWORD],
      ['card number', CARD],
      ...[...NATS_PASSWORDS, ...REDIS_PASSWORDS].map((password) => [password.slice(0, 18), password] as const),
      ['key of the provider of text messages', SMS_AUTHORIZATION.split(' ')[1]!],
    ]);
    const answers: string[] = [];
    const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const answer = await gateway.post<Record<string, string>>(path, body, { key: null, headers });
      if (answer.status >= 400) answers.push(answer.text);
      return answer;
    };
    const email = 'canary@holdfast.test';
    const first = await post('/v1/auth/register', { email, password: PASSWORD, name: 'Canary' });
    canaries.set('access token', first.body['access_token']!).set('refresh token', first.body['refresh_token']!);
    const cookies = await post('/v1/auth/login', { email, password: PASSWORD }, { prefer: 'session=cookie' });
    for (const line of cookies.headers.getSetCookie()) {
      canaries.set(line.split('=')[0]!, /=([^;]+)/.exec(line)![1]!);
    }
    await post('/v1/auth/password/forgot', { email });
    const mail = await untilMail(stack.url('mail'), email, 'Choose a new password');
    canaries.set('reset token', /#(\S+)/.exec(mail.text)![1]!);
    canaries.set('new password', 'three-unusual-green-canaries');
    await post('/v1/auth/password/reset', {
      token: canaries.get('reset token'),
      password: 'three-unusual-green-canaries',
    });

    // Each where it does not belong: what is refused is logged and answered too.
    const bearer = { authorization: `Bearer ${first.body['access_token']}` };
    await post('/v1/auth/login', { email, password: PASSWORD });
    await post('/v1/text-messages/phone', { phone: '+4915112345678' }, bearer);
    await post('/v1/auth/refresh', { refresh_token: canaries.get('refresh token') });
    await post('/v1/auth/verify-email', { token: canaries.get('reset token') });
    await post(`/v1/auth/login?access_token=${canaries.get('access token')}`, {
      email,
      password: PASSWORD,
    });
    await post('/v1/bookings', { event_id: CARD, quantity: PASSWORD }, bearer);
    await gateway.get(`/v1/bookings/${CARD}?token=${canaries.get('refresh token')}`, { headers: bearer });
    await gateway.post(
      '/v1/webhooks/stripe',
      { id: 'evt_1' },
      { key: null, headers: { 'stripe-signature': `t=1,v1=${'ab'.repeat(32)}` } },
    );
    const ann = await signUp(stack, 'Ann');
    const eventId = await makePoolEvent(admin);
    const held = await ann.api.post<BookingJson>('/v1/bookings', { event_id: eventId, quantity: 1 });
    for (const method of [CARD, `pm_${CARD}`]) {
      const paid = await ann.api.post(`/v1/bookings/${held.body.id}/pay`, { payment_method: method });
      expect(paid.status).toBe(422);
      answers.push(paid.text);
    }
    const cancelled = await ann.api.post(`/v1/bookings/${held.body.id}/cancel`, {
      reason: `please pay back to ${CARD}`,
    });
    expect(cancelled.status).toBe(422);
    answers.push(cancelled.text);
    await bookPatiently(ann.api, { event_id: eventId, quantity: 1 });
    await untilQuiet(stack);

    const parts = stack.parts.filter((part): part is Part => part !== 'provider' && part !== 'mail');
    const lines = parts.flatMap((part) => stack.process(part).lines.map((line) => `${part}: ${line}`));
    const rows = await query<{ text: string }>(
      stack,
      `${['identity', 'booking', 'payment', 'notification']
        .flatMap((schema) => [
          `select payload as text from ${schema}.outbox`,
          `select payload || error as text from ${schema}.dead_letters`,
          `select coalesce(last_error, '') as text from ${schema}.inbox_attempts`,
        ])
        .join(' union all ')}
       union all select notice::text || coalesce(last_error, '') from notification.deliveries
       union all select reason from booking.booking_history where reason is not null
       union all select before::text || after::text from identity.audit_log where before is not null`,
    );
    const events = rows.map(({ text }) => text);
    process.stdout.write(
      `read ${lines.length} log lines of ${parts.join(', ')}, ${events.length} events, dead letters and notices, ${answers.length} errors\n`,
    );
    expect([lines.length > 200, events.length > 20, answers.length > 5]).toEqual([true, true, true]);
    const found = [...canaries].flatMap(([name, secret]) =>
      [...lines, ...events, ...answers]
        .filter((text) => text.includes(secret))
        .map((text) => `${name} in ${text.slice(0, 300)}`),
    );
    expect(found).toEqual([]);
    expect(await brokenInvariants(stack)).toEqual([]);
  }, 60_000);
});
