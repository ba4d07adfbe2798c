import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { freePort } from '@holdfast/shared/testing/free-port';
import { aBooking } from '../testing/factories.ts';
import { startSmtpSink, type SmtpSink } from '../testing/smtp-sink.ts';
import type { Channel } from './channel.ts';
import { createSealer } from '@holdfast/shared/secrets/sealed-text';
import { createEmailChannel, isRefusal } from './email-channel.ts';

let sink: SmtpSink;
let channel: Channel;
beforeAll(async () => {
  sink = await startSmtpSink();
  channel = createEmailChannel({
    sealer: createSealer('a secret of these tests, long enough', 'mailed token'),
    smtpUrl: sink.url,
    from: 'Holdfast <b@holdfast.example>',
    publicUrl: 'http://x.test',
  });
});
afterAll(async () => {
  channel.close();
  await sink.stop();
});

const to = (recipient: string) => ({
  id: newId('dlv'),
  leaseId: newId('att'),
  eventId: newId('msg'),
  attempts: 1,
  recipient,
  notice: { kind: 'confirmed', booking: aBooking() } as const,
  createdAt: new Date('2026-12-01T10:00:00Z'),
});

describe('mail over SMTP', () => {
  test('is accepted with the delivery as its Message-ID and the time of the event as its date', async () => {
    const message = to('ada@example.org');
    expect(await channel.send(message)).toEqual({
      outcome: 'accepted',
      providerMessageId: `<${message.id}@holdfast.example>`,
    });
    const [received] = await sink.untilAccepted('ada@example.org');
    expect(received!.mail.date).toBe('2026-12-01T10:00:00.000Z');
  });

  test('is refused for good by a 5xx, to the recipient or to the message', async () => {
    sink.answer('rcpt@example.org', 550);
    expect(await channel.send(to('rcpt@example.org'))).toMatchObject({ outcome: 'refused' });
    sink.answer('data@example.org', 541);
    expect(await channel.send(to('data@example.org'))).toMatchObject({ outcome: 'refused' });
  });

  test('is refused for good when the address is none', async () => {
    expect(await channel.send(to('not an address'))).toMatchObject({ outcome: 'refused' });
  });

  test('throws on a 4xx and when nobody listens', async () => {
    sink.answer('later@example.org', 451);
    await expect(channel.send(to('later@example.org'))).rejects.toThrow(/451/);
    const nobody = createEmailChannel({
      sealer: createSealer('a secret of these tests, long enough', 'mailed token'),
      smtpUrl: `smtp://127.0.0.1:${await freePort()}`,
      from: 'Holdfast <b@holdfast.example>',
      publicUrl: 'http://x.test',
    });
    await expect(nobody.send(to('ada@example.org'))).rejects.toThrow(/ECONNREFUSED/);
    await expect(nobody.check()).rejects.toThrow();
    nobody.close();
  });
});

test('a 5xx about ourselves is no refusal of the message', () => {
  const error = (code: string, responseCode?: number) => Object.assign(new Error('x'), { code, responseCode });
  expect(isRefusal(error('EAUTH', 535))).toBe(false);
  expect(isRefusal(error('ECONNECTION', 554))).toBe(false);
  expect(isRefusal(error('EENVELOPE', 421))).toBe(false);
  expect(isRefusal(error('EMESSAGE', 554))).toBe(true);
  expect(isRefusal(new Error('x'))).toBe(false);
});
