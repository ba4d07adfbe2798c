import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AckPolicy, jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import { newId } from '../ids.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startTestNats, type TestNats } from '../testing/test-nats.ts';
import { freePort } from '../testing/free-port.ts';
import { until } from '../testing/until.ts';
import { connectBus, type Bus } from './bus.ts';
import {
  ADVISORIES,
  CONSUMERS,
  FAMILIES,
  PARTITIONS,
  STREAMS,
  ensureTopology,
  partitionOf,
  subjectOf,
  type ConsumerName,
  type StreamName,
} from './topology.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const streamNames = Object.keys(STREAMS) as StreamName[];
const consumerNames = Object.keys(CONSUMERS) as ConsumerName[];

describe('a partition', () => {
  test('is the same for a key in every process and every release', () => {
    // Subjects in streams that exist already carry these numbers.
    expect(['', 'a', 'bkg_01jgg1n3qye0v8k7q7k6v5x4m7'].map(partitionOf)).toEqual([0, 1, 5]);
  });

  test('is one of sixteen, for any key', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        const partition = partitionOf(key);
        expect(Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS).toBe(true);
      }),
    );
  });

  test('gets its share of the ids', () => {
    const counts = Array.from({ length: PARTITIONS }, () => 0);
    for (let i = 0; i < 16_000; i++) counts[partitionOf(newId('bkg'))]! += 1;
    for (const count of counts) expect(count).toBeGreaterThan(800);
  });
});

test('every subject belongs to one stream, and to the filter of its own family only', () => {
  const matches = (filter: string, subject: string) => subject.startsWith(filter.slice(0, -1));
  for (const family of Object.keys(FAMILIES) as (keyof typeof FAMILIES)[]) {
    const subject = subjectOf(family, newId('bkg'), 'happened');
    expect(subject).toMatch(/\.\d\d\.happened$/);
    expect(
      streamNames.filter((name) => STREAMS[name].subjects.some((filter) => matches(filter, subject))),
    ).toHaveLength(1);
    expect(Object.entries(FAMILIES).filter(([, filter]) => matches(filter, subject))).toEqual([
      [family, FAMILIES[family]],
    ]);
  }
});

describe('the streams and consumers', () => {
  let nats: TestNats;
  let connection: NatsConnection;
  let manager: JetStreamManager;

  beforeAll(async () => {
    nats = await startTestNats();
    connection = await connect({ servers: nats.url });
    manager = await jetstreamManager(connection);
  });
  afterAll(async () => {
    await connection?.close();
    await nats?.stop();
  });

  const present = async () => ({
    streams: (await manager.streams.list().next()).map((stream) => stream.config.name).sort(),
    consumers: (
      await Promise.all(
        streamNames.map(async (name) => (await manager.consumers.list(name).next()).map((info) => info.name)),
      )
    )
      .flat()
      .sort(),
  });
  const declared = { streams: [...streamNames, ADVISORIES.stream].sort(), consumers: [...consumerNames].sort() };

  test('exist after one run, and after more, also several at once', async () => {
    await Promise.all([ensureTopology(manager), ensureTopology(manager), ensureTopology(manager)]);
    expect(await present()).toEqual(declared);
    await ensureTopology(manager);
    expect(await present()).toEqual(declared);
  });

  test('keep what they hold when they are declared again', async () => {
    await publishDirectly(subjectOf('booking', 'a', 'confirmed'));
    await ensureTopology(manager);
    expect((await manager.streams.info('BOOKING')).state.messages).toBe(1);
  });

  test('are brought up to date when they stand there with other settings', async () => {
    await manager.streams.update('PAYMENT', {
      ...(await manager.streams.info('PAYMENT')).config,
      max_age: 600_000_000_000,
    });
    await ensureTopology(manager);
    expect((await manager.streams.info('PAYMENT')).config.max_age).toBe(7 * 86_400 * 1_000_000_000);
  });

  test('refuse when full, give nothing up by themselves, and dedupe for 2 minutes', async () => {
    for (const name of streamNames) {
      const { config } = await manager.streams.info(name);
      expect(config).toMatchObject({ discard: 'new', storage: 'file', duplicate_window: 120_000_000_000 });
    }
    for (const name of consumerNames) {
      const { config } = await manager.consumers.info(CONSUMERS[name].stream, name);
      expect(config).toMatchObject({ ack_policy: 'explicit', deliver_policy: 'all', max_deliver: -1 });
      expect(config.filter_subject).toBe(FAMILIES[CONSUMERS[name].family]);
    }
  });

  async function publishDirectly(subject: string) {
    await connection.request(subject, '{}');
  }
});

test('a bus tells what the streams hold, and what the broker gave up', async () => {
  const nats = await startTestNats();
  const bus = await connectBus({ url: nats.url, name: 'test', logger });
  const connection = await connect({ servers: nats.url });
  try {
    expect(await bus.brokerState()).toMatchObject({
      advisories: { count: 0, firstAt: null },
      storage: { limitBytes: null },
    });
    await bus.publish(subjectOf('booking', 'a', 'confirmed'), 'x'.repeat(1_000), { messageId: newId('msg') });
    const before = Date.now();
    // Somebody's consumer that lets the broker give up after one try.
    const manager = await jetstreamManager(connection);
    await manager.consumers.add('BOOKING', {
      ...{ durable_name: 'impatient', ack_policy: AckPolicy.Explicit, max_deliver: 1, ack_wait: 1_000_000 },
    });
    const consumer = await jetstream(connection).consumers.get('BOOKING', 'impatient');
    await consumer.next();
    const state = await until('the advisory', async () => {
      // The broker looks for what is overdue when it is asked for more.
      await consumer.next({ expires: 1_000 });
      const found = await bus.brokerState();
      return found.advisories.count > 0 ? found : null;
    });
    expect(state.advisories.firstAt!.getTime()).toBeGreaterThan(before - 60_000);
    const booking = state.streams.find(({ stream }) => stream === 'BOOKING');
    expect(booking).toMatchObject({ messages: 1, oldestAt: expect.any(Date) });
    expect(booking!.bytes).toBeGreaterThan(1_000);
    expect(state.streams.find(({ stream }) => stream === 'PAYMENT')).toMatchObject({ messages: 0, oldestAt: null });
    expect(state.storage.usedBytes).toBeGreaterThanOrEqual(booking!.bytes);
  } finally {
    await connection.close();
    await bus.close();
    await nats.stop();
  }
});

describe('a bus whose broker restarts', () => {
  let nats: TestNats;
  let bus: Bus;
  const received: string[] = [];
  let subscription: { stop(): Promise<void> };

  beforeAll(async () => {
    nats = await startTestNats();
    bus = await connectBus({ url: nats.url, name: 'test', logger });
    subscription = await bus.consume('notification-booking', (message) => {
      received.push(message.payload);
      message.ack();
    });
  });
  afterAll(async () => {
    await subscription?.stop();
    await bus?.close();
    await nats?.stop();
  });

  const publish = (text: string) =>
    until('the broker to take a message', () =>
      bus.publish(subjectOf('booking', 'a', 'confirmed'), text, { messageId: newId('msg') }),
    );

  test('goes on publishing and consuming after a crash', async () => {
    await publish('before');
    await until('the first message', () => received.includes('before'));
    await nats.restart();
    await publish('after');
    await until('the second message', () => received.includes('after'), 20_000);
  });

  test('goes on after the broker’s store was wiped: streams and consumers are declared again', async () => {
    await nats.restart({ wipe: true });
    await publish('after the wipe');
    await until('the message', () => received.includes('after the wipe'), 20_000);
  });

  test('tells that the broker is away, within a second', async () => {
    expect(await bus.ping()).toBeLessThan(1_000);
    await nats.kill();
    await expect(bus.ping()).rejects.toThrow();
    await nats.restart();
    await until('an answer', () => bus.ping());
  });

  test('does not store a message twice under one id', async () => {
    const rows = toOutboxRows('/booking', [
      { family: 'booking', name: 'confirmed', orderingKey: 'a', seq: 1, data: {}, cause: 'x', at: new Date() },
    ]);
    const once = () => bus.publish(rows.subjects[0]!, rows.payloads[0]!, { messageId: rows.ids[0]! });
    const first = await until('the broker', once);
    expect(first.duplicate).toBe(false);
    expect(await once()).toEqual({ seq: first.seq, duplicate: true });
  });

  test('stops in time while the broker is away', async () => {
    const own = await connectBus({ url: nats.url, name: 'stopping', logger });
    const consuming = await own.consume('payment-checkout', () => undefined);
    await nats.kill();
    await consuming.stop();
    await own.close();
    await nats.restart();
  });
});

test('waiting for a broker that was never there can be given up', async () => {
  const giveUp = new AbortController();
  const waiting = connectBus({
    url: `nats://127.0.0.1:${await freePort()}`,
    name: 'test',
    logger,
    signal: giveUp.signal,
  });
  giveUp.abort();
  await expect(waiting).rejects.toThrow(/abort/i);
});
