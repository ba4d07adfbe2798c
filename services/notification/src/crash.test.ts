import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { newId } from '@holdfast/shared/ids';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startServiceProcess } from '@holdfast/shared/testing/service-process';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { LEASE_SECONDS } from './deliveries/delivery-store.ts';
import { aBooking } from './testing/factories.ts';
import { startSmtpSink, type SmtpSink } from './testing/smtp-sink.ts';

let database: TestDatabase;
let nats: TestNats;
let sink: SmtpSink;
let bus: Bus;
let env: Record<string, string>;

beforeAll(async () => {
  [database, nats, sink] = await Promise.all([createTestDatabase(), startTestNats(), startSmtpSink()]);
  bus = await connectBus({ url: nats.url, name: 'test', logger: createLogger({ service: 'test', level: 'silent' }) });
  env = {
    DATABASE_URL: database.url('notification'),
    NATS_URL: nats.url,
    HOLDFAST_INTERNAL_SECRET: 'a secret of the tests that has 32 characters',
    HOLDFAST_SMTP_URL: sink.url,
  };
});
afterAll(async () => {
  await bus?.close();
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
