import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { ASSERTION_HEADER, signAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId, type UserId } from '@holdfast/shared/ids';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { until } from '@holdfast/shared/testing/until';
import { loadConfig } from '../config.ts';
import { buildService, type Service } from '../service.ts';
import { aBooking } from '../testing/factories.ts';
import { startSmtpSink, type SmtpSink } from '../testing/smtp-sink.ts';

const SECRET = 'a secret of the tests that has 32 characters';
const logger = createLogger({ service: 'text-messages-test', level: 'silent' });

interface Sms {
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly from: string; readonly to: string; readonly text: string; readonly reference: string };
}

let database: TestDatabase;
let nats: TestNats;
let sink: SmtpSink;
let bus: Bus;
let pool: Pool;
let provider: Server;
let service: Service;
let url: string;
const sent: Sms[] = [];
/** How the provider answers from now on; null is 201. */
let answer: ((res: ServerResponse) => void) | null = null;

beforeAll(async () => {
  provider = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      sent.push({ headers: req.headers, body: JSON.parse(body) as Sms['body'] });
      if (answer) answer(res);
      else res.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"SM1"}');
    });
  });
  const listening = new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  [database, nats, sink] = await Promise.all([createTestDatabase(), startTestNats(), startSmtpSink(), listening]);
  const connectionString = database.url('notification');
  service = buildService(
    loadConfig({
      DATABASE_URL: connectionString,
      NATS_URL: nats.url,
      HOLDFAST_INTERNAL_SECRET: SECRET,
      HOLDFAST_SMTP_URL: sink.url,
      HOLDFAST_SMS_URL: `http://127.0.0.1:${(provider.address() as { port: number }).port}/messages`,
      HOLDFAST_SMS_AUTHORIZATION: 'Bearer of-the-tests',
      HOLDFAST_NOTIFICATION_PORT: '0',
      HOLDFAST_MAX_SEND_ATTEMPTS: '3',
    }),
    { logger, intervalMs: 20, random: () => 0.5 },
  );
  url = `http://127.0.0.1:${await service.start()}`;
  await service.consuming;
  bus = await connectBus({ url: nats.url, name: 'test', logger });
  pool = createPool({ connectionString, schema: 'notification', applicationName: 'test', logger });
});
beforeEach(() => {
  answer = null;
});
afterAll(async () => {
  await service?.stop();
  await bus?.close();
  await pool?.end();
  provider?.closeAllConnections();
  provider?.close();
  await Promise.all([sink?.stop(), nats?.stop()]);
  await database?.drop();
});

let numbers = 0;
const aNumber = () => `+4915100000${String((numbers += 1)).padStart(3, '0')}`;

async function call(userId: UserId, method: string, path = '', body?: object) {
  const caller = { userId, role: 'customer', email: null, name: null } as const;
  const assertion = { ...caller, address: '127.0.0.1', requestId: newId('req'), traceparent: '' };
  const response = await fetch(`${url}/v1/text-messages/phone${path}`, {
    method,
    headers: { [ASSERTION_HEADER]: signAssertion(SECRET, assertion), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (text === '' ? {} : JSON.parse(text)) as { code?: string; phone?: string; verified?: boolean };
  return { status: response.status, headers: response.headers, json };
}

const textsTo = (phone: string) => sent.filter(({ body }) => body.to === phone);

/** The code of the last of `count` text messages to a number. */
async function codeSentTo(phone: string, count = 1): Promise<string> {
  await until('the code', () => Promise.resolve(textsTo(phone).length >= count));
  return /^\d{6}/.exec(textsTo(phone).at(-1)!.body.text)![0];
}

async function verified(): Promise<{ userId: UserId; phone: string }> {
  const [userId, phone] = [newId('usr'), aNumber()];
  await call(userId, 'POST', '', { phone });
  expect((await call(userId, 'POST', '/verify', { code: await codeSentTo(phone) })).status).toBe(200);
  return { userId, phone };
}

/** Tells that a booking of the user was cancelled, and resolves when the mail about it is there. */
async function cancelled(userId: UserId): Promise<string> {
  const contact = { email: `${newId('req')}@example.org`, name: 'Ada' };
  const data = { ...aBooking({ user_id: userId, contact }), reason: 'plans have changed' };
  const rows = toOutboxRows('/booking', [
    {
      family: 'booking',
      name: 'cancelled',
      orderingKey: data.booking_id,
      seq: 1,
      data,
      cause: newId('req'),
      at: new Date(),
    },
  ]);
  await bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: rows.ids[0]! });
  await sink.untilAccepted(contact.email);
  return rows.ids[0]!;
}

test('whoever sends the code back gets text messages beside the mails, each once and signed in at the provider', async () => {
  const { userId, phone } = await verified();
  await cancelled(userId);
  await until('the text message', () => Promise.resolve(textsTo(phone).length === 2));
  const { headers, body } = textsTo(phone)[1]!;
  expect(body).toMatchObject({ from: 'Holdfast', text: expect.stringMatching(/^Cancelled: BK/) });
  expect(headers).toMatchObject({ authorization: 'Bearer of-the-tests', 'idempotency-key': body.reference });
  const { rows } = await pool.query<{ channel: string; provider_message_id: string }>(
    `select channel, provider_message_id from deliveries where user_id = $1 and channel = 'sms' and state = 'SENT' and kind = 'cancelled'`,
    [userId],
  );
  expect(rows).toEqual([{ channel: 'sms', provider_message_id: 'SM1' }]);
});

describe('nothing but codes goes to a number', () => {
  test('that is not verified', async () => {
    const [userId, phone] = [newId('usr'), aNumber()];
    await call(userId, 'POST', '', { phone });
    await codeSentTo(phone);
    await cancelled(userId);
    expect(await openOrSentTexts(phone)).toEqual(['phone_code']);
  });

  test('that was replaced by another', async () => {
    const { userId, phone } = await verified();
    expect((await call(userId, 'POST', '', { phone: aNumber() })).json.verified).toBe(false);
    await cancelled(userId);
    expect(await openOrSentTexts(phone)).toEqual(['phone_code']);
  });

  test('that was given up: what was on its way is dropped', async () => {
    const { userId, phone } = await verified();
    answer = (res) => res.writeHead(503).end();
    await cancelled(userId);
    await until('the text message was tried', () => Promise.resolve(textsTo(phone).length === 2));
    expect((await call(userId, 'DELETE')).status).toBe(204);
    await until('it is dropped', async () => {
      const { rows } = await pool.query<{ state: string }>(
        `select state from deliveries where recipient = $1 and kind = 'cancelled'`,
        [phone],
      );
      return rows[0]?.state === 'DROPPED';
    });
    expect((await call(userId, 'GET')).status).toBe(404);
    expect((await call(userId, 'DELETE')).status).toBe(404);
    answer = null;
    await cancelled(userId);
    expect(await openOrSentTexts(phone)).toEqual(['phone_code']);
  });
});

async function openOrSentTexts(phone: string): Promise<string[]> {
  const { rows } = await pool.query<{ kind: string }>(
    `select kind from deliveries where recipient = $1 and state <> 'DROPPED' order by id`,
    [phone],
  );
  return rows.map(({ kind }) => kind);
}

describe('a code', () => {
  test('is nowhere but in the text message', async () => {
    const [userId, phone] = [newId('usr'), aNumber()];
    await call(userId, 'POST', '', { phone });
    const code = await codeSentTo(phone);
    const { rows } = await pool.query<{ row: string }>(
      `select p::text || d::text as row from phones p join deliveries d on d.user_id = p.user_id where p.user_id = $1`,
      [userId],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.row).not.toMatch(new RegExp(`\\b${code}\\b`));
  });

  test('is worth nothing after five wrong ones, nor is another one before it is asked for', async () => {
    const [userId, phone] = [newId('usr'), aNumber()];
    await call(userId, 'POST', '', { phone });
    const code = await codeSentTo(phone);
    const wrong = code === '000000' ? '000001' : '000000';
    const tries = await Promise.all(Array.from({ length: 5 }, () => call(userId, 'POST', '/verify', { code: wrong })));
    expect(tries.map(({ status, json }) => [status, json.code])).toEqual(Array(5).fill([422, 'phone_code_wrong']));
    expect(await call(userId, 'POST', '/verify', { code })).toMatchObject({
      status: 409,
      json: { code: 'phone_code_expired' },
    });
    await call(userId, 'POST', '', { phone });
    const next = await codeSentTo(phone, 2);
    expect((await call(userId, 'POST', '/verify', { code: next })).json).toMatchObject({ phone, verified: true });
  });

  test('is worth nothing after ten minutes', async () => {
    const [userId, phone] = [newId('usr'), aNumber()];
    await call(userId, 'POST', '', { phone });
    const code = await codeSentTo(phone);
    await database.advanceClock(601_000);
    expect((await call(userId, 'POST', '/verify', { code })).json.code).toBe('phone_code_expired');
  });

  test('of a user is sent five times in a day, also when the number is given up in between and when all are asked for at once', async () => {
    const userId = newId('usr');
    const barrier = await pool.connect();
    await barrier.query('begin');
    await barrier.query('lock table phone_codes in access exclusive mode');
    const asking = Array.from({ length: 7 }, () => call(userId, 'POST', '', { phone: aNumber() }));
    await until('all of them wait', async () => {
      const { rowCount } = await barrier.query(
        `select from pg_locks where relation = 'phone_codes'::regclass and not granted`,
      );
      return rowCount === 7;
    });
    await barrier.query('commit');
    barrier.release();
    const asked = await Promise.all(asking);
    expect(asked.map(({ status }) => status).sort((a, b) => a - b)).toEqual([202, 202, 202, 202, 202, 429, 429]);
    await call(userId, 'DELETE');
    const refused = await call(userId, 'POST', '', { phone: aNumber() });
    expect([refused.status, refused.json.code, refused.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '3600',
    ]);
    await database.advanceClock(86_401_000);
    expect((await call(userId, 'POST', '', { phone: aNumber() })).status).toBe(202);
  });

  test('goes to one number ten times in a day, whoever asks', async () => {
    const phone = aNumber();
    const statuses: number[] = [];
    for (let user = 1; user <= 11; user += 1) statuses.push((await call(newId('usr'), 'POST', '', { phone })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(202), 429]);
  });
});

describe('a provider', () => {
  test('that refuses a number for good gets the message no second time, and an operator sees why', async () => {
    const { userId, phone } = await verified();
    answer = (res) => res.writeHead(400).end('the number cannot get messages');
    await cancelled(userId);
    const dead = await until('the dead letter', async () => {
      const { rows } = await pool.query<{ attempts: number; last_error: string }>(
        `select attempts, last_error from deliveries where recipient = $1 and state = 'DEAD'`,
        [phone],
      );
      return rows[0] ?? null;
    });
    expect(dead).toEqual({ attempts: 1, last_error: 'answered 400: the number cannot get messages' });
  });

  test('that wants a pause gets one, and mails go on', async () => {
    const { userId, phone } = await verified();
    answer = (res) => res.writeHead(429, { 'retry-after': '600' }).end();
    await cancelled(userId);
    await until('the pause', async () => {
      const { rowCount } = await pool.query(`select from send_pauses where channel = 'sms' and recipient = ''`);
      return rowCount === 1;
    });
    answer = null;
    await cancelled(userId);
    expect(textsTo(phone)).toHaveLength(2);
    await database.advanceClock(601_000);
    await until('both text messages', async () => {
      const { rowCount } = await pool.query(`select from deliveries where recipient = $1 and state = 'SENT'`, [phone]);
      return rowCount === 3;
    });
  });
});

test.each([
  ['', { phone: '0151 123' }],
  ['', { phone: '+0123456789' }],
  ['', {}],
  ['', { phone: '+4915100000000', name: 'x' }],
  ['/verify', { code: '12345' }],
  ['/verify', { code: 123456 }],
])('POST %s of %j is refused', async (path, body) => {
  expect(await call(newId('usr'), 'POST', path, body)).toMatchObject({
    status: 422,
    json: { code: 'validation_failed' },
  });
});

test('an installation without a provider says so, and sends mails alone', async () => {
  const without = buildService(
    loadConfig({
      DATABASE_URL: database.url('notification'),
      NATS_URL: nats.url,
      HOLDFAST_INTERNAL_SECRET: SECRET,
      HOLDFAST_SMTP_URL: sink.url,
      HOLDFAST_NOTIFICATION_PORT: '0',
    }),
    { logger },
  );
  const former = url;
  try {
    url = `http://127.0.0.1:${await without.start()}`;
    const asked = await call(newId('usr'), 'POST', '', { phone: aNumber() });
    expect(asked).toMatchObject({ status: 409, json: { code: 'text_messages_off' } });
  } finally {
    url = former;
    await without.stop();
  }
});
