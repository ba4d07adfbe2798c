import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import type { WebhookAttemptJson } from '@holdfast/shared/contracts/webhooks';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { ASSERTION_HEADER, signAssertion, type Role } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { createSealer } from '@holdfast/shared/secrets/sealed-text';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { until } from '@holdfast/shared/testing/until';
import { Webhook } from 'standardwebhooks';
import { loadConfig } from '../config.ts';
import { buildService, type Service } from '../service.ts';
import { aBooking } from '../testing/factories.ts';
import { createWebhookChannel } from '../channels/webhook-channel.ts';
import { TargetGuard } from './target-guard.ts';
import { pruneAttempts } from './prune-attempts.ts';

const SECRET = 'a secret of the tests that has 32 characters';
const DAY_MS = 86_400_000;
const logger = createLogger({ service: 'webhooks-test', level: 'silent' });

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The members of our answers that are looked at. */
interface Json {
  readonly id: string;
  readonly secret: string;
  readonly code: string;
  readonly data: readonly WebhookAttemptJson[];
  readonly errors: readonly { readonly pointer: string }[];
}

let database: TestDatabase;
let nats: TestNats;
let bus: Bus;
let pool: Pool;
let receiver: Server;
let service: Service;
let url: string;
let hooks: string;
const calls: Call[] = [];
/** How the receiver answers by path; 204 where nothing is said. */
const answers = new Map<string, (res: ServerResponse) => void>();

beforeAll(async () => {
  receiver = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      calls.push({ path: req.url!, headers: req.headers, body });
      const answer = answers.get(req.url!);
      if (answer) answer(res);
      else res.writeHead(204).end();
    });
  });
  const listening = new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  [database, nats] = await Promise.all([createTestDatabase(), startTestNats(), listening]);
  const { port } = receiver.address() as { port: number };
  hooks = `http://127.0.0.1:${port}`;
  service = buildService(
    loadConfig({
      DATABASE_URL: database.url('notification'),
      NATS_URL: nats.url,
      HOLDFAST_INTERNAL_SECRET: SECRET,
      // Nobody listens on port 9: mails wait, and webhooks do not wait for them.
      HOLDFAST_SMTP_URL: 'smtp://127.0.0.1:9',
      HOLDFAST_NOTIFICATION_PORT: '0',
      HOLDFAST_MAX_SEND_ATTEMPTS: '3',
      HOLDFAST_WEBHOOK_DEVELOPMENT_TARGETS: `127.0.0.1:${port}`,
    }),
    { logger, intervalMs: 20, random: () => 0.5 },
  );
  url = `http://127.0.0.1:${await service.start()}`;
  await service.consuming;
  bus = await connectBus({ url: nats.url, name: 'test', logger });
  const connectionString = database.url('notification');
  pool = createPool({ connectionString, schema: 'notification', applicationName: 'test', logger });
});

afterAll(async () => {
  await service?.stop();
  await bus?.close();
  await pool?.end();
  receiver?.closeAllConnections();
  receiver?.close();
  await nats?.stop();
  await database?.drop();
});

async function call(method: string, path: string, options: { body?: object; role?: Role; key?: string } = {}) {
  const caller = { userId: newId('usr'), role: options.role ?? 'admin', email: null, name: null } as const;
  const who = options.key === undefined ? caller : { ...caller, userId: ADMIN };
  const assertion = { ...who, address: '127.0.0.1', requestId: newId('req'), traceparent: '' };
  const answer = await fetch(`${url}/v1/webhook-endpoints${path}`, {
    method,
    headers: {
      [ASSERTION_HEADER]: signAssertion(SECRET, assertion),
      ...(method === 'POST' || method === 'PATCH' ? { 'content-type': 'application/json' } : {}),
      ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
    },
    ...(method === 'POST' || method === 'PATCH' ? { body: JSON.stringify(options.body ?? {}) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: (text === '' ? {} : JSON.parse(text)) as Json };
}
const ADMIN = newId('usr');

/** Registers an endpoint with a path of its own. */
async function register(types: string[] = ['*']): Promise<{ id: string; secret: string; path: string }> {
  const path = `/${newId('req')}`;
  const { status, json } = await call('POST', '', { body: { url: hooks + path, event_types: types } });
  expect(status).toBe(201);
  return { id: json.id, secret: json.secret, path };
}

async function publish(name: string, booking: ReturnType<typeof aBooking>): Promise<string> {
  const data = { ...booking, reason: 'my knee hurts' };
  const rows = toOutboxRows('/booking', [
    { family: 'booking', name, orderingKey: booking.booking_id, seq: 1, data, cause: newId('req'), at: new Date() },
  ]);
  await bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: rows.ids[0]! });
  return rows.ids[0]!;
}

const callsTo = (path: string) => calls.filter((one) => one.path === path);
const untilCalled = (path: string, count = 1) =>
  until(`${count} calls`, async () => (callsTo(path).length >= count ? callsTo(path) : null));
const attemptsOf = async (id: string) => (await call('GET', `/${id}/attempts`)).json.data;
const untilAttempts = (id: string, count: number) =>
  until(`${count} attempts`, async () => {
    const attempts = await attemptsOf(id);
    return attempts.length >= count ? attempts : null;
  });

test('an endpoint is told once what it listens to, signed, and nothing of the customer but ids', async () => {
  const listening = await register(['booking.confirmed']);
  const other = await register(['booking.cancelled']);
  const booking = aBooking();
  const eventId = await publish('confirmed', booking);
  const [received] = await untilCalled(listening.path);
  expect(
    new Webhook(listening.secret).verify(received!.body, received!.headers as Record<string, string>),
  ).toMatchObject({
    type: 'booking.confirmed',
    data: { booking_id: booking.booking_id, sequence: 1, price: { amount: 9000, currency: 'EUR' } },
  });
  expect(received!.headers['webhook-id']).toBe(eventId);
  for (const personal of ['ada@example.org', 'Lovelace', 'my knee hurts'])
    expect(received!.body).not.toContain(personal);
  const [attempt] = await untilAttempts(listening.id, 1);
  expect(attempt).toMatchObject({ status: 'SUCCEEDED', response_status: 204, event_id: eventId, attempt: 1 });
  expect(callsTo(other.path)).toEqual([]);
});

test('the secret is shown once, to the one who registers, and again with the same key', async () => {
  const body = { url: `${hooks}/x`, event_types: ['*'] };
  const key = newId('req');
  const first = await call('POST', '', { body, key });
  expect(first.json.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const again = await call('POST', '', { body, key });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(again.json).toEqual(first.json);
  const { json } = await call('GET', `/${first.json.id}`);
  expect(json).toMatchObject({ status: 'ENABLED', url: body.url });
  expect(json.secret).toBeUndefined();
  const stored = await pool.query<{ body: string }>('select body from idempotency_keys where key = $1', [key]);
  expect(stored.rows[0]!.body).not.toContain('whsec_');
});

test('a replaced secret signs for a day more, beside the new one', async () => {
  const { id, secret, path } = await register();
  const { json } = await call('POST', `/${id}/rotate-secret`);
  await call('POST', `/${id}/test`);
  const [both] = await untilCalled(path);
  for (const each of [secret, json.secret]) {
    expect(() => new Webhook(each).verify(both!.body, both!.headers as Record<string, string>)).not.toThrow();
  }
  await database.advanceClock(DAY_MS + 1_000);
  await call('POST', `/${id}/test`);
  const after = (await untilCalled(path, 2))[1]!;
  expect(() => new Webhook(json.secret).verify(after.body, after.headers as Record<string, string>)).not.toThrow();
  expect(() => new Webhook(secret).verify(after.body, after.headers as Record<string, string>)).toThrow();
});

test('a redirect is a failure and is not followed; the message comes again by the schedule under its id', async () => {
  const { id, path } = await register();
  answers.set(path, (res) => res.writeHead(302, { location: `${hooks}${path}-elsewhere` }).end());
  await call('POST', `/${id}/test`);
  const [failed] = await untilAttempts(id, 1);
  expect(failed).toMatchObject({ status: 'FAILED', response_status: 302, delivery: { status: 'WAITING' } });
  expect(callsTo(`${path}-elsewhere`)).toEqual([]);
  answers.delete(path);
  await database.advanceClock(6_000);
  const [first, second] = await untilCalled(path, 2);
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
});

test('410 switches the endpoint off, and switched on again it gets what was given up by a resend', async () => {
  const { id, path } = await register();
  answers.set(path, (res) => res.writeHead(410).end());
  await call('POST', `/${id}/test`);
  const [gone] = await untilAttempts(id, 1);
  expect(gone!.delivery.status).toBe('DEAD');
  expect((await call('GET', `/${id}`)).json).toMatchObject({ status: 'DISABLED', disabled_reason: 'gone' });
  expect((await call('POST', `/${id}/test`)).json.code).toBe('webhook_endpoint_disabled');
  answers.delete(path);
  expect((await call('PATCH', `/${id}`, { body: { status: 'ENABLED' } })).json).toMatchObject({
    disabled_reason: null,
  });
  expect((await call('POST', `/${id}/attempts/${gone!.id}/resend`)).status).toBe(202);
  const [, second] = await untilCalled(path, 2);
  expect(second!.headers['webhook-id']).toBe(gone!.event_id);
});

test('429 with Retry-After pauses that endpoint alone', async () => {
  const [slow, other] = [await register(), await register()];
  answers.set(slow.path, (res) => res.writeHead(429, { 'retry-after': '3600' }).end());
  await call('POST', `/${slow.id}/test`);
  await untilAttempts(slow.id, 1);
  answers.delete(slow.path);
  await call('POST', `/${slow.id}/test`);
  await call('POST', `/${other.id}/test`);
  await untilCalled(other.path);
  expect(callsTo(slow.path)).toHaveLength(1);
  await database.advanceClock(3_601_000);
  await untilCalled(slow.path, 3);
});

test('endpoints that do not answer keep nobody else waiting', async () => {
  const [hanging, other] = [await register(), await register()];
  const open: ServerResponse[] = [];
  answers.set(hanging.path, (res) => void open.push(res));
  for (let i = 0; i < 20; i++) await call('POST', `/${hanging.id}/test`);
  await untilCalled(hanging.path, 4);
  await call('POST', `/${other.id}/test`);
  await untilCalled(other.path);
  // Not all of the sixteen that may be under way at once.
  expect(callsTo(hanging.path).length).toBeLessThan(16);
  expect((await call('DELETE', `/${hanging.id}`)).status).toBe(204);
  expect((await call('GET', `/${hanging.id}`)).status).toBe(404);
  for (const res of open) res.writeHead(204).end();
});

test('the connection itself refuses a name that has become private since it was registered', async () => {
  const { id } = await register();
  await pool.query('update webhook_endpoints set url = $2 where id = $1', [id, 'https://rebind.test/hook']);
  const channel = createWebhookChannel({
    pool,
    guard: new TargetGuard({ ports: [443], developmentTargets: [] }, async () => [{ address: '127.0.0.1', family: 4 }]),
    sealer: createSealer({ values: () => [SECRET] }, 'webhook secret'),
  });
  const payload = { type: 'webhook.test', timestamp: new Date().toISOString(), data: { endpoint_id: id } };
  const outcome = await channel.send({
    id: newId('dlv'),
    leaseId: newId('att'),
    eventId: newId('msg'),
    attempts: 1,
    recipient: id,
    notice: { kind: payload.type, webhook: payload },
    createdAt: new Date(),
  });
  channel.close();
  expect(outcome).toMatchObject({ outcome: 'put_off', reason: expect.stringContaining('not public') });
});

test('attempts are kept for thirty days', async () => {
  const { id, path } = await register();
  await call('POST', `/${id}/test`);
  await untilCalled(path);
  await untilAttempts(id, 1);
  await pruneAttempts(pool);
  expect(await attemptsOf(id)).toHaveLength(1);
  await database.advanceClock(30 * DAY_MS + 1_000);
  await pruneAttempts(pool);
  expect(await attemptsOf(id)).toEqual([]);
});

test('only administrators, only allowed addresses, only known fields', async () => {
  const body = { url: `${hooks}/x`, event_types: ['*'] };
  expect((await call('POST', '', { body, role: 'operator' })).status).toBe(403);
  for (const target of ['http://127.0.0.1:22', 'https://169.254.169.254/', 'https://user:pass@example.com/']) {
    const { status, json } = await call('POST', '', { body: { ...body, url: target } });
    expect([status, json.code, json.errors[0]!.pointer]).toEqual([422, 'webhook_url_refused', '/url']);
  }
  expect((await call('POST', '', { body: { ...body, event_types: ['booking.sold'] } })).status).toBe(422);
  expect((await call('POST', '', { body: { ...body, secret: 'mine' } })).status).toBe(422);
  expect((await call('GET', '/42')).status).toBe(404);
});

test('what an admin does to an endpoint is in the audit log, without the secret', async () => {
  const created = await call('POST', '', { body: { url: `${hooks}/audited`, event_types: ['*'] } });
  const { id, secret } = created.json;
  await call('PATCH', `/${id}`, { body: { description: 'for the accountants' } });
  const rotated = await call('POST', `/${id}/rotate-secret`);
  await call('DELETE', `/${id}`);
  const { rows } = await pool.query<{ action: string; text: string; before: string | null; after: string }>(
    `select action, role || coalesce(before::text, '') || after::text as text,
            before ->> 'description' as before, after ->> 'description' as after
       from audit_log
      where entity_id = $1
      order by id`,
    [id],
  );
  expect(rows.map(({ action, before, after }) => [action, before, after])).toEqual([
    ['create', null, null],
    ['update', null, 'for the accountants'],
    ['rotate', 'for the accountants', 'for the accountants'],
    ['delete', 'for the accountants', 'for the accountants'],
  ]);
  for (const { text } of rows) {
    expect(text).toContain('admin');
    expect(text).not.toContain(secret);
    expect(text).not.toContain(rotated.json.secret);
  }
});
