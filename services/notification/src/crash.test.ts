import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connectBus, type Bus, type BusMessage } from '@holdfast/shared/bus/bus';
import { forgetStreams } from '@holdfast/shared/bus/forget-streams';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { readReplay, startReplay } from '@holdfast/shared/dead-letters/replay-many';
import { ASSERTION_HEADER, signAssertion } from '@holdfast/shared/http/internal-assertion';
import { InboxConsumer, PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import { newId } from '@holdfast/shared/ids';
import { toOutboxRows, type OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startServiceProcess, type ServiceProcess } from '@holdfast/shared/testing/service-process';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { until } from '@holdfast/shared/testing/until';
import { LEASE_SECONDS } from './deliveries/delivery-store.ts';
import { aBooking } from './testing/factories.ts';
import { startSmtpSink, type SmtpSink } from './testing/smtp-sink.ts';

let database: TestDatabase;
let nats: TestNats;
let sink: SmtpSink;
let bus: Bus;
let env: Record<string, string>;
let pool: Pool;
const SECRET = 'a secret of the tests that has 32 characters';
const logger = createLogger({ service: 'test', level: 'silent' });

beforeAll(async () => {
  [database, nats, sink] = await Promise.all([createTestDatabase(), startTestNats(), startSmtpSink()]);
  bus = await connectBus({ url: nats.url, name: 'test', logger });
  pool = createPool({
    ...{ connectionString: database.url('notification'), schema: 'notification', applicationName: 'test', logger },
  });
  env = {
    DATABASE_URL: database.url('notification'),
    NATS_URL: nats.url,
    HOLDFAST_INTERNAL_SECRET: SECRET,
    HOLDFAST_SMTP_URL: sink.url,
  };
});
// What a dead process did not acknowledge would come to the next one and end it while it starts; who starts declares streams anew.
afterEach(() => forgetStreams(nats.url));
afterAll(async () => {
  await bus?.close();
  await pool?.end();
  await Promise.all([sink?.stop(), nats?.stop()]);
  await database?.drop();
});

describe('a process that is killed', () => {
  test.each([
    ['notification-booking.before_tx', 1],
    ['notification-booking.before_commit', 1],
    ['notification-booking.after_commit', 1],
    ['notification-booking.before_ack', 1],
    ['notification.before_send', 1],
    // The mail server has it and nobody wrote that down: the one point at which a second copy is sent.
    ['notification.after_send', 2],
  ])('at %s leads to %i mail(s), all under one Message-ID', async (failpoint, copies) => {
    const data = aBooking();
    data.contact.email = `${newId('req')}@example.org`;
    const rows = toOutboxRows('/booking', [
      {
        family: 'booking',
        name: 'confirmed',
        orderingKey: data.booking_id,
        seq: 1,
        data,
        cause: newId('req'),
        at: new Date(),
      },
    ]);
    const doomed = await startServiceProcess({
      service: 'notification',
      env: { ...env, FAILPOINT: failpoint },
    });
    await bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: rows.ids[0]! });
    expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });

    await database.advanceClock(LEASE_SECONDS * 1_000 + 1);
    const successor = await startServiceProcess({ service: 'notification', env });
    // The broker only knows from its timer that the dead process will not acknowledge; a second delivery of the
    // same event stands in for that one.
    await bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: newId('msg') });
    const mails = await sink.untilAccepted(data.contact.email, copies);
    await successor.kill('SIGTERM');
    expect(sink.accepted.filter((mail) => mail.recipients.includes(data.contact.email))).toHaveLength(copies);
    expect(new Set(mails.map((mail) => mail.mail.messageId)).size).toBe(1);
  });
});

/** Publishes an event as its service would; gives the way to publish the same one again. */
async function publish(event: Omit<OutgoingEvent, 'cause' | 'at'>): Promise<() => Promise<unknown>> {
  const rows = toOutboxRows('/test', [{ ...event, cause: newId('req'), at: new Date() }]);
  const send = (messageId: string) => bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId });
  await send(rows.ids[0]!);
  // A second delivery of the same event stands in for the one that the broker's timer brings.
  return () => send(newId('msg'));
}

const anAddress = () => `${newId('req')}@example.org`;
const startDoomed = (failpoint: string, more: Record<string, string> = {}) =>
  startServiceProcess({ service: 'notification', env: { ...env, ...more, FAILPOINT: failpoint } });

async function expectKilled(doomed: ServiceProcess): Promise<void> {
  expect(await doomed.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await database.advanceClock(LEASE_SECONDS * 1_000 + 1);
}

describe('a process that is killed while it takes what concerns an account', () => {
  test.each([
    'notification-account.before_tx',
    'notification-account.before_commit',
    'notification-account.after_commit',
    'notification-account.before_ack',
  ])('at %s leads to one mail', async (failpoint) => {
    const contact = { email: anAddress(), name: 'Ada Lovelace' };
    const user = newId('usr');
    const doomed = await startDoomed(failpoint);
    const again = await publish({
      ...{ family: 'account', name: 'password_changed', orderingKey: user, seq: 1, data: { user_id: user, contact } },
    });
    await expectKilled(doomed);
    const successor = await startServiceProcess({ service: 'notification', env });
    await again();
    await sink.untilAccepted(contact.email);
    await successor.kill('SIGTERM');
    expect(sink.accepted.filter(({ recipients }) => recipients.includes(contact.email))).toHaveLength(1);
  });
});

describe('a process that is killed while it takes up a message whose next attempt is due', () => {
  test.each([
    'notification-retry.before_tx',
    'notification-retry.before_commit',
    'notification-retry.after_commit',
    'notification-retry.before_ack',
  ])('at %s leads to one mail', async (failpoint) => {
    const contact = { email: anAddress(), name: 'Ada Lovelace' };
    const user = newId('usr');
    sink.answer(contact.email, 451);
    const first = await startServiceProcess({ service: 'notification', env });
    await publish({
      ...{ family: 'account', name: 'password_changed', orderingKey: user, seq: 1, data: { user_id: user, contact } },
    });
    await sink.untilRefused(contact.email);
    await until('the next attempt to be planned', async () => {
      const { rowCount } = await pool.query(
        `select from outbox where family = 'notification_retry' and published_at is null`,
      );
      return rowCount === 1;
    });
    await first.kill('SIGTERM');
    sink.answer(contact.email, null);

    const doomed = await startDoomed(failpoint);
    // The first pause is 5 s and a tenth more at most.
    await database.advanceClock(6_000);
    await expectKilled(doomed);
    const { rows } = await pool.query<{ subject: string; payload: string }>(
      `select subject, payload from outbox where family = 'notification_retry' order by created_at desc limit 1`,
    );
    const successor = await startServiceProcess({ service: 'notification', env });
    await bus.publish(rows[0]!.subject, rows[0]!.payload, { messageId: newId('msg') });
    await sink.untilAccepted(contact.email);
    await successor.kill('SIGTERM');
    expect(sink.accepted.filter(({ recipients }) => recipients.includes(contact.email))).toHaveLength(1);
  });
});

describe('a process that is killed while it sends to a webhook endpoint', () => {
  let receiver: Server;
  const calls: { path: string; id: string | undefined }[] = [];
  let hooks: Record<string, string>;
  let address: string;
  beforeAll(async () => {
    receiver = createServer((req, res) => {
      req.resume();
      calls.push({ path: req.url!, id: req.headers['webhook-id'] as string | undefined });
      res.writeHead(204).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as { port: number };
    address = `http://127.0.0.1:${port}`;
    hooks = { HOLDFAST_WEBHOOK_DEVELOPMENT_TARGETS: `127.0.0.1:${port}` };
  });
  afterAll(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  async function ask(service: ServiceProcess, path: string, body: object): Promise<{ id: string }> {
    const caller = { userId: newId('usr'), role: 'admin', email: null, name: null } as const;
    const call = { address: '127.0.0.1', requestId: newId('req'), traceparent: '' };
    const answer = await fetch(`${service.url}/v1/webhook-endpoints${path}`, {
      method: 'POST',
      headers: {
        [ASSERTION_HEADER]: signAssertion(SECRET, { ...caller, ...call }),
        'content-type': 'application/json',
        'idempotency-key': newId('req'),
      },
      body: JSON.stringify(body),
    });
    expect(answer.ok).toBe(true);
    return (await answer.json()) as { id: string };
  }

  test.each([
    ['notification.before_send', 1],
    // The endpoint has it and nobody wrote that down: it gets the message again and knows it by its id.
    ['notification.after_send', 2],
  ])('at %s: the endpoint is called %i time(s), under one webhook-id', async (failpoint, times) => {
    const path = `/${newId('req')}`;
    const doomed = await startDoomed(failpoint, hooks);
    const { id } = await ask(doomed, '', { url: address + path, event_types: ['booking.cancelled'] });
    await ask(doomed, `/${id}/test`, {});
    await expectKilled(doomed);
    const successor = await startServiceProcess({ service: 'notification', env: { ...env, ...hooks } });
    const got = await until('the calls', () => {
      const found = calls.filter((call) => call.path === path);
      return Promise.resolve(found.length >= times ? found : null);
    });
    await successor.kill('SIGTERM');
    expect(calls.filter((call) => call.path === path)).toHaveLength(times);
    expect(new Set(got.map((call) => call.id)).size).toBe(1);
    expect(got[0]!.id).toBeDefined();
  });
});

describe('a process that is killed while many dead letters are replayed', () => {
  const LETTERS = 3;

  test.each(['dead-letters.replay.before_commit', 'dead-letters.replay.after_commit'])(
    'at %s: each takes effect once, and the job says so',
    async (failpoint) => {
      const addresses = Array.from({ length: LETTERS }, anAddress);
      const poisoned = new InboxConsumer({
        ...{ name: 'notification-booking', service: 'notification', bus, pool, logger },
        handle: () => Promise.reject(new PermanentMessageError('poison')),
      });
      for (const email of addresses) {
        const booking = aBooking({ contact: { email, name: 'Ada Lovelace' } });
        const { subjects, payloads } = toOutboxRows('/booking', [
          {
            ...{ family: 'booking', name: 'confirmed', orderingKey: booking.booking_id, seq: 1, data: booking },
            ...{ cause: newId('req'), at: new Date() },
          },
        ]);
        const message: BusMessage = {
          ...{ subject: subjects[0]!, payload: payloads[0]!, redelivered: false, deliveries: 1 },
          ...{ ack: () => undefined, nak: () => undefined, working: () => undefined },
        };
        expect(await poisoned.deliver(message)).toBe('dead');
      }
      const job = newId('rpl');
      const by = { userId: newId('usr'), role: 'operator' as const, requestId: newId('req') };
      const doomed = await startDoomed(failpoint);
      await withTransaction(pool, (tx) => startReplay(tx, { id: job, filter: {}, ratePerSecond: 100, by }));
      await expectKilled(doomed);

      const successor = await startServiceProcess({ service: 'notification', env });
      await Promise.all(addresses.map((email) => sink.untilAccepted(email)));
      expect(
        await until('the job to be done', async () => {
          const state = await readReplay(pool, 'notification', job);
          return state.state === 'DONE' && state.took_effect === LETTERS ? state : null;
        }),
      ).toMatchObject({ total: LETTERS, replayed: LETTERS, skipped: 0, failed_again: 0 });
      await successor.kill('SIGTERM');
      for (const email of addresses)
        expect(sink.accepted.filter(({ recipients }) => recipients.includes(email))).toHaveLength(1);
    },
  );
});
