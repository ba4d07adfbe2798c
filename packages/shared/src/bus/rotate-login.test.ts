import { Writable } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { startTestNats, type TestNats } from '../testing/test-nats.ts';
import { until } from '../testing/until.ts';
import { connectBus, type Bus, type BusMessage } from './bus.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A bus that asks for its login in `login.now`, and what it has logged. */
async function connected(nats: TestNats, first: string) {
  const login = { now: first };
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push((JSON.parse(chunk.toString()) as { msg: string }).msg);
      done();
    },
  });
  const url = { values: () => [nats.url.replace('//', `//${login.now}@`)] };
  const bus = await connectBus({ url, name: 'test', logger: pino({}, destination) });
  closing.push(() => bus.close());
  return { bus, login, lines };
}

async function received(bus: Bus): Promise<string[]> {
  const payloads: string[] = [];
  const handle = (message: BusMessage) => {
    payloads.push(message.payload);
    message.ack();
  };
  const consumer = await bus.consume('notification-booking', handle);
  closing.push(() => consumer.stop());
  return payloads;
}

const SUBJECT = 'booking.booking.00.confirmed';
const publish = (bus: Bus, n: number) => bus.publish(SUBJECT, String(n), { messageId: `m${n}` });

test('a login that changes while messages are published: a new connection, and nobody notices', async () => {
  // It takes anybody, as a server does on which both logins are good.
  const nats = await startTestNats();
  closing.push(() => nats.stop());
  const { bus, login, lines } = await connected(nats, 'ann:before');
  const payloads = await received(bus);

  let sent = 0;
  let over = false;
  const clients = Array.from({ length: 8 }, async () => {
    while (!over) await publish(bus, sent++);
  });
  await until('messages flow', () => payloads.length > 20);
  login.now = 'ann:after';
  await until('it is connected anew', () => lines.includes('connection to NATS is back'));
  const before = payloads.length;
  await until('messages flow again', () => payloads.length > before + 20);
  over = true;
  // A message that was refused would have rejected here.
  await Promise.all(clients);
  await until('every message has come', () => new Set(payloads).size === sent);
});

test('a password that the server changes first: refused for as long as it takes, and let in with the new one', async () => {
  const nats = await startTestNats({ login: { user: 'ann', password: 'before' } });
  closing.push(() => nats.stop());
  const { bus, login } = await connected(nats, 'ann:before');
  const payloads = await received(bus);
  await publish(bus, 1);

  await nats.restart({ login: { user: 'ann', password: 'after' } });
  await expect(publish(bus, 2)).rejects.toThrow();
  await expect(publish(bus, 3)).rejects.toThrow();
  login.now = 'ann:after';
  await until('it is let in', () =>
    publish(bus, 4).then(
      () => true,
      () => false,
    ),
  );
  await until('what was published has come', () => payloads.includes('1') && payloads.includes('4'));
});
