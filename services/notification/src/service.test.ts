import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { ASSERTION_HEADER, signAssertion, type Role } from '@holdfast/shared/http/internal-assertion';
import { newId, type UserId } from '@holdfast/shared/ids';
import { toOutboxRows, type OutboxRows } from '@holdfast/shared/outbox/outbox';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { freePort } from '@holdfast/shared/testing/free-port';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { until } from '@holdfast/shared/testing/until';
import { loadConfig, type Config } from './config.ts';
import { buildService, type Service } from './service.ts';
import { aBooking } from './testing/factories.ts';
import { startSmtpSink, type SmtpSink } from './testing/smtp-sink.ts';

const logger = createLogger({ service: 'notification-test', level: 'silent' });
const SECRET = 'a secret of the tests that has 32 characters';

let database: TestDatabase;
let nats: TestNats;
let sink: SmtpSink;
let bus: Bus;
let pool: Pool;
let config: Config;
let service: Service;
let url: string;

beforeAll(async () => {
  [database, nats, sink] = await Promise.all([createTestDatabase(), startTestNats(), startSmtpSink()]);
  config = loadConfig({
    DATABASE_URL: database.url('notification'),
    NATS_URL: nats.url,
    HOLDFAST_INTERNAL_SECRET: SECRET,
    HOLDFAST_SMTP_URL: sink.url,
    HOLDFAST_PUBLIC_URL: 'http://booking.test/',
    HOLDFAST_NOTIFICATION_PORT: '0',
    HOLDFAST_MAX_SEND_ATTEMPTS: '3',
  });
  service = buildService(config, { logger, intervalMs: 20, random: () => 0.5 });
  url = `http://127.0.0.1:${await service.start()}`;
  await service.consuming;
  bus = await connectBus({ url: nats.url, name: 'test', logger });
  pool = createPool({
    connectionString: database.url('notification'),
    schema: 'notification',
    applicationName: 'test',
    logger,
  });
});

afterAll(async () => {
  await service?.stop();
  await bus?.close();
  await pool?.end();
  await Promise.all([sink?.stop(), nats?.stop()]);
  await database?.drop();
});

/** One event of family `booking`, as the booking service's outbox would hold it. */
function event(name: string, data: ReturnType<typeof aBooking> & { reason?: string }, seq = 1): OutboxRows {
  return toOutboxRows('/booking', [
    { family: 'booking', name, orderingKey: data.booking_id, seq, data, cause: newId('req'), at: new Date() },
  ]);
}

/** An event whose mail is cheap to make, for tests that look at the delivery. */
function plainEvent(booking: ReturnType<typeof aBooking>): OutboxRows {
  return event('cancelled', { ...booking, reason: 'plans have changed' });
}

/** Publishes it; with another message id the broker does not notice that it has it already. */
function publish(rows: OutboxRows, messageId: string = rows.ids[0]!) {
  return bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId });
}

interface Row {
  id: string;
  state: string;
  attempts: number;
  retry_seq: number;
  last_error: string | null;
  provider_message_id: string | null;
  wait_s: number;
}

async function deliveriesTo(recipient: string): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select id, state, attempts, retry_seq, last_error, provider_message_id,
            extract(epoch from due_at - updated_at)::float8 as wait_s
       from deliveries where recipient = $1 order by created_at`,
    [recipient],
  );
  return rows;
}

/** Looks until the only delivery to the recipient is in this state. */
function untilState(recipient: string, state: string): Promise<Row> {
  return until(`state ${state}`, async () => {
    const row = (await deliveriesTo(recipient))[0];
    return row?.state === state ? row : null;
  });
}

/** A contact nobody else has, so that each test sees its own mails only. */
function contact(name = 'Ada Lovelace') {
  return { email: `${newId('req')}@example.org`, name };
}

/** Resolves when everything published before it was taken in: events of all bookings pass in the order of the stream. */
async function untilTakenIn(rows: OutboxRows): Promise<void> {
  await until('the event in the inbox', async () => {
    const { rowCount } = await pool.query('select from inbox where consumer = $1 and event_id = $2', [
      'notification-booking',
      rows.ids[0],
    ]);
    return rowCount === 1;
  });
}

test('a cancellation takes the calendar entry away, where a confirmation had brought one', async () => {
  const confirmed = aBooking({ contact: contact() });
  await publish(event('confirmed', confirmed));
  await sink.untilAccepted(confirmed.contact.email);
  await publish(event('cancelled', { ...confirmed, reason: 'plans have changed' }, 2));
  const second = (await sink.untilAccepted(confirmed.contact.email, 2))[1]!;
  expect(second.mail.attachments.map((part) => part.mimeType)).toEqual(['text/calendar']);
  expect(second.mail.html).toContain('your booking is cancelled');

  const unpaid = aBooking({ contact: contact() });
  await publish(plainEvent(unpaid));
  expect((await sink.untilAccepted(unpaid.contact.email))[0]!.mail.attachments).toEqual([]);
});

describe('when a booking is confirmed', () => {
  test('sends one mail with reference, QR code and calendar entry', async () => {
    const booking = aBooking({ contact: contact() });
    await publish(event('confirmed', booking));
    const mail = (await sink.untilAccepted(booking.contact.email))[0]!.mail;

    expect(mail.subject).toBe('Booking BK20270104-7K3Q9D confirmed: Winter concert');
    expect(mail.from).toMatchObject({ name: 'Holdfast', address: 'bookings@holdfast.example' });
    expect(mail.to).toEqual([{ name: 'Ada Lovelace', address: booking.contact.email }]);
    expect(mail.text).toContain('Monday 4 January 2027, 19:00 to 21:30 (Europe/Paris, CET)');
    expect(mail.text).toContain(`http://booking.test/v1/bookings/${booking.booking_id}`);
    expect(mail.html).toContain('cid:ticket-1@holdfast');
    expect(mail.attachments.map((part) => [part.filename, part.mimeType, part.disposition])).toEqual([
      ['ticket-1.png', 'image/png', 'inline'],
      ['BK20270104-7K3Q9D.ics', 'text/calendar', 'attachment'],
    ]);
    const sent = await untilState(booking.contact.email, 'SENT');
    expect(mail.messageId).toBe(`<${sent.id}@holdfast.example>`);
    expect(sent).toMatchObject({ attempts: 1, provider_message_id: mail.messageId });
  });

  test('sends nothing more when the event comes again', async () => {
    const booking = aBooking({ contact: contact() });
    const rows = event('confirmed', booking);
    await publish(rows);
    await sink.untilAccepted(booking.contact.email);

    await publish(rows, newId('msg'));
    await publish(rows, newId('msg'));
    // A later event of the same booking waits for those before it: when it is in, the copies were seen.
    const later = event('expired', booking, 2);
    await publish(later);
    await untilTakenIn(later);
    expect(await deliveriesTo(booking.contact.email)).toHaveLength(1);
    expect(await sink.untilAccepted(booking.contact.email)).toHaveLength(1);
  });
});

describe('when a booking ends without a ticket', () => {
  test('tells of a cancelled and of a failed one, and not of an expired hold', async () => {
    const cancelled = aBooking({ contact: contact() });
    const failed = aBooking({ contact: contact() });
    const expired = aBooking({ contact: contact() });
    const expiredEvent = event('expired', expired);
    await publish(expiredEvent);
    await publish(event('cancelled', { ...cancelled, reason: 'the concert moved to\r\nanother day' }));
    await publish(event('failed', { ...failed, reason: 'card_declined' }));

    const [first] = await sink.untilAccepted(cancelled.contact.email);
    expect(first!.mail.subject).toBe('Booking BK20270104-7K3Q9D cancelled: Winter concert');
    expect(first!.mail.text).toContain('Reason:     the concert moved to another day\n');
    const [second] = await sink.untilAccepted(failed.contact.email);
    expect(second!.mail.subject).toBe('Booking BK20270104-7K3Q9D failed: Winter concert');
    expect(second!.mail.text).not.toContain('card_declined');
    await untilTakenIn(expiredEvent);
    expect(await deliveriesTo(expired.contact.email)).toEqual([]);
  });
});

describe('when the mail server answers 451', () => {
  test('waits in NOTIFICATION_RETRY until the delay is over and then sends under the same Message-ID', async () => {
    const booking = aBooking({ contact: contact() });
    sink.answer(booking.contact.email, 451);
    await publish(plainEvent(booking));
    const [first] = await sink.untilRefused(booking.contact.email);
    const waiting = await untilState(booking.contact.email, 'WAITING');
    expect(waiting).toMatchObject({ attempts: 1, retry_seq: 1, wait_s: 5 });
    expect(waiting.last_error).toContain('451');

    await database.advanceClock(5_000);
    await sink.untilRefused(booking.contact.email, 2);
    expect(await untilState(booking.contact.email, 'WAITING')).toMatchObject({ attempts: 2, retry_seq: 2, wait_s: 30 });

    sink.answer(booking.contact.email, null);
    await database.advanceClock(30_000);
    const [sent] = await sink.untilAccepted(booking.contact.email);
    expect(await untilState(booking.contact.email, 'SENT')).toMatchObject({ attempts: 3 });
    expect(sent!.mail.messageId).toBe(first!.mail.messageId);
    const { rows } = await pool.query(
      `select count(*)::int as published from outbox where ordering_key = $1 and published_at is not null`,
      [waiting.id],
    );
    expect(rows[0]).toEqual({ published: 2 });
  });

  test('gives up after the last attempt; replaying the dead letter sends the mail', async () => {
    const booking = aBooking({ contact: contact() });
    sink.answer(booking.contact.email, 451);
    await publish(plainEvent(booking));
    for (let attempt = 1; attempt < 3; attempt++) {
      await sink.untilRefused(booking.contact.email, attempt);
      await untilState(booking.contact.email, 'WAITING');
      await database.advanceClock(3_600_000);
    }
    const dead = await untilState(booking.contact.email, 'DEAD');
    expect(dead.attempts).toBe(3);
    const { rows } = await pool.query<{ subject: string; payload: string }>(
      `select consumer, cause, attempts, subject, payload from dead_letters where ordering_key = $1`,
      [dead.id],
    );
    expect(rows).toMatchObject([{ consumer: 'notification-retry', cause: 'attempts_exhausted', attempts: 3 }]);

    sink.answer(booking.contact.email, null);
    await bus.publish(rows[0]!.subject, rows[0]!.payload, { messageId: newId('msg') });
    await sink.untilAccepted(booking.contact.email);
    expect(await untilState(booking.contact.email, 'SENT')).toMatchObject({ attempts: 1 });
  });
});

test('a recipient whom the server refuses with 550 is a dead letter at once, with a copy on its way to DEAD_LETTER', async () => {
  const booking = aBooking({ contact: contact() });
  sink.answer(booking.contact.email, 550);
  await publish(plainEvent(booking));
  const dead = await untilState(booking.contact.email, 'DEAD');
  expect(dead.attempts).toBe(1);
  const { rows } = await pool.query<{ id: string; error: string }>(
    `select id, cause, error, state from dead_letters where ordering_key = $1`,
    [dead.id],
  );
  expect(rows).toMatchObject([{ cause: 'permanent', state: 'OPEN' }]);
  expect(rows[0]!.error).toContain('550');
  expect(rows[0]!.error).not.toContain(booking.contact.email);
  const copy = await pool.query<{ subject: string; payload: string }>(
    `select subject, payload from outbox where ordering_key = $1`,
    [rows[0]!.id],
  );
  expect(copy.rows[0]!.subject).toMatch(/^dead_letter\.\d\d\.notification_retry$/);
  expect(copy.rows[0]!.payload).not.toContain(booking.contact.email);
});

test('an event that breaks its contract is a dead letter and keeps no other booking waiting', async () => {
  const broken = { ...aBooking({ contact: contact() }), amount: 'ninety' } as never;
  const good = aBooking({ contact: contact() });
  const brokenRows = event('confirmed', broken);
  await publish(brokenRows);
  await publish(plainEvent(good));
  await sink.untilAccepted(good.contact.email);
  // The two bookings are handled side by side.
  const letters = await until('the dead letter', async () => {
    const { rows } = await pool.query(`select consumer, cause, state from dead_letters where event_id = $1`, [
      brokenRows.ids[0],
    ]);
    return rows.length > 0 ? rows : null;
  });
  expect(letters).toEqual([{ consumer: 'notification-booking', cause: 'permanent', state: 'OPEN' }]);
});

describe('a sender that died', () => {
  test('loses its lease, and the message is sent by whoever looks next', async () => {
    const booking = aBooking({ contact: contact() });
    await pool.query(
      `insert into deliveries (id, event_id, booking_id, user_id, channel, recipient, kind, notice, state, attempts, lease_id, lease_expires_at)
       values ($1, $2, $3, $4, 'email', $5, 'cancelled', $6, 'SENDING', 1, $7, clock.app_now() + interval '30 seconds')`,
      [
        newId('dlv'),
        newId('msg'),
        booking.booking_id,
        booking.user_id,
        booking.contact.email,
        JSON.stringify({ ...booking, reason: 'plans have changed' }),
        newId('att'),
      ],
    );
    await database.advanceClock(31_000);
    await sink.untilAccepted(booking.contact.email);
    expect(await untilState(booking.contact.email, 'SENT')).toMatchObject({ attempts: 2 });
  });

  test('is not tried for ever: after as many attempts that ended their process the message is a dead letter', async () => {
    const booking = aBooking({ contact: contact() });
    await pool.query(
      `insert into deliveries (id, event_id, booking_id, user_id, channel, recipient, kind, notice, state, attempts, lease_id, lease_expires_at)
       values ($1, $2, $3, $4, 'email', $5, 'cancelled', $6, 'SENDING', 3, $7, clock.app_now() - interval '1 second')`,
      [
        newId('dlv'),
        newId('msg'),
        booking.booking_id,
        booking.user_id,
        booking.contact.email,
        JSON.stringify({ ...booking, reason: 'plans have changed' }),
        newId('att'),
      ],
    );
    const dead = await untilState(booking.contact.email, 'DEAD');
    expect(dead.last_error).toContain('process ended');
  });
});

test('a retry message that the broker lost only makes the mail late', async () => {
  const booking = aBooking({ contact: contact() });
  await pool.query(
    `insert into deliveries (id, event_id, booking_id, user_id, channel, recipient, kind, notice, state, attempts, retry_seq)
     values ($1, $2, $3, $4, 'email', $5, 'cancelled', $6, 'WAITING', 1, 1)`,
    [
      newId('dlv'),
      newId('msg'),
      booking.booking_id,
      booking.user_id,
      booking.contact.email,
      JSON.stringify({ ...booking, reason: 'plans have changed' }),
    ],
  );
  await database.advanceClock(601_000);
  await sink.untilAccepted(booking.contact.email);
});

describe('GET /internal/deliveries', () => {
  const get = (query: string, caller: { userId: UserId; role: Role } | null) =>
    fetch(`${url}/internal/deliveries${query}`, {
      headers: caller
        ? {
            [ASSERTION_HEADER]: signAssertion(SECRET, {
              ...caller,
              email: null,
              name: null,
              address: '127.0.0.1',
              requestId: newId('req'),
              traceparent: '',
            }),
          }
        : {},
    });

  test('shows a booking’s messages to its customer and to operators, and nothing to others', async () => {
    const booking = aBooking({ contact: contact() });
    await publish(plainEvent(booking));
    await untilState(booking.contact.email, 'SENT');
    const query = `?booking_id=${booking.booking_id}`;

    const own = await get(query, { userId: booking.user_id, role: 'customer' });
    expect(own.status).toBe(200);
    const body = (await own.json()) as { data: Record<string, unknown>[] };
    expect(body).toMatchObject({ object: 'list', has_more: false, next_cursor: null });
    expect(body.data).toMatchObject([{ kind: 'cancelled', channel: 'email', status: 'SENT', attempts: 1 }]);

    const operator = await get(query, { userId: newId('usr'), role: 'operator' });
    expect(((await operator.json()) as { data: unknown[] }).data).toHaveLength(1);
    const stranger = await get(query, { userId: newId('usr'), role: 'customer' });
    expect(((await stranger.json()) as { data: unknown[] }).data).toEqual([]);
  });

  test('refuses calls without the gateway’s assertion, and ids that are none', async () => {
    expect((await get(`?booking_id=${newId('bkg')}`, null)).status).toBe(401);
    const wrong = await get('?booking_id=42', { userId: newId('usr'), role: 'operator' });
    expect(wrong.status).toBe(422);
    expect(await wrong.json()).toMatchObject({ errors: [{ pointer: '?booking_id' }] });
  });
});

describe('when a dependency is away', () => {
  test('stays ready without the mail server and sends when it is back', async () => {
    await sink.stop();
    const health = (await (await fetch(`${url}/healthz?verbose=1`)).json()) as { checks: Record<string, unknown> };
    expect(health.checks).toMatchObject({
      postgres: { status: 'ok' },
      nats: { status: 'ok' },
      smtp: { status: 'warn' },
    });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const booking = aBooking({ contact: contact() });
    await publish(plainEvent(booking));
    await untilState(booking.contact.email, 'WAITING');

    sink = await startSmtpSink(Number(new URL(sink.url).port));
    await database.advanceClock(5_000);
    await sink.untilAccepted(booking.contact.email);
  });

  test('is not ready while NATS is down, and takes up where it was when NATS is back', async () => {
    await nats.kill();
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await nats.restart();
    const booking = aBooking({ contact: contact() });
    const rows = plainEvent(booking);
    await until('NATS to take a message', () => publish(rows));
    await sink.untilAccepted(booking.contact.email);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  test('forgets nothing when its database connections are cut', async () => {
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`,
    );
    const booking = aBooking({ contact: contact() });
    await publish(plainEvent(booking));
    await sink.untilAccepted(booking.contact.email);
    expect(await untilState(booking.contact.email, 'SENT')).toMatchObject({ attempts: 1 });
  });

  test('answers while NATS was never there, and says that it is not ready', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const own = buildService({ ...config, natsUrl: { values: () => [url] } }, { logger });
    const ownUrl = `http://127.0.0.1:${await own.start()}`;
    expect((await fetch(`${ownUrl}/livez`)).status).toBe(200);
    expect((await fetch(`${ownUrl}/readyz`)).status).toBe(503);
    await own.stop();
  });
});
