import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '../bus/bus.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { InboxConsumer } from '../inbox/consumer.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { startTestNats, type TestNats } from '../testing/test-nats.ts';
import { until } from '../testing/until.ts';
import { appendToOutbox } from './outbox.ts';
import { Relay } from './relay.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const LEASE_MS = 5_000;

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url('notification'),
    schema: 'notification',
    applicationName: 'test',
    logger,
  });
});
beforeEach(async () => {
  await pool.query('truncate outbox');
  await pool.query(`update relay_lease set holder = null, expires_at = '-infinity'`);
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

/** Commits events of bookings, e.g. `['a', 1], ['a', 2], ['b', 1]`. */
async function commit(...events: [booking: string, seq: number, availableAt?: Date][]): Promise<void> {
  await withTransaction(pool, (tx) =>
    appendToOutbox(
      tx,
      '/booking',
      events.map(([orderingKey, seq, availableAt]) => ({
        family: 'booking',
        name: 'confirmed',
        orderingKey,
        seq,
        data: {},
        cause: newId('req'),
        at: new Date(),
        ...(availableAt ? { availableAt } : {}),
      })),
    ),
  );
}

const nameOf = (payload: string) => {
  const event = JSON.parse(payload) as { subject: string; sequence: number };
  return `${event.subject}${event.sequence}`;
};

/** A broker in memory. `refuse` names events that are not acknowledged; `hold` keeps acknowledgements back until `release`. */
function aBroker() {
  const published: string[] = [];
  const underWay = new Map<string, () => void>();
  const broker = {
    published,
    refuse: new Set<string>(),
    hold: false,
    underWay: () => [...underWay.keys()],
    release: (name: string) => underWay.get(name)?.(),
    bus: {
      publish: async (_subject: string, payload: string) => {
        const name = nameOf(payload);
        if (broker.refuse.has(name)) throw new Error(`${name} refused`);
        published.push(name);
        if (broker.hold) {
          await new Promise<void>((resolve) => underWay.set(name, resolve));
          underWay.delete(name);
        }
        return { seq: published.length };
      },
      hint: () => undefined,
      onHint: () => undefined,
    } as unknown as Bus,
  };
  return broker;
}

const relayOf = (bus: Bus, over: { pool?: Pool } = {}) => new Relay({ pool, bus, logger, service: 'test', ...over });

async function unpublished(): Promise<string[]> {
  const { rows } = await pool.query<{ payload: string }>(
    'select payload from outbox where published_at is null order by ordering_key, seq',
  );
  return rows.map((row) => nameOf(row.payload));
}

describe('one relay', () => {
  test('publishes what was committed, marks it with its place in the stream, and does not publish it again', async () => {
    const broker = aBroker();
    const relay = relayOf(broker.bus);
    await commit(['a', 1], ['b', 1]);
    expect(await relay.runOnce()).toEqual({ published: 2, more: false });
    expect(await relay.runOnce()).toEqual({ published: 0, more: false });
    expect(broker.published.sort()).toEqual(['a1', 'b1']);
    const { rows } = await pool.query<{ stream_seq: bigint }>('select stream_seq from outbox order by stream_seq');
    expect(rows.map((row) => row.stream_seq)).toEqual([1n, 2n]);
  });

  test('publishes nothing of a transaction that rolled back', async () => {
    const broker = aBroker();
    await expect(
      withTransaction(pool, async (tx) => {
        await appendToOutbox(tx, '/booking', [
          { family: 'booking', name: 'confirmed', orderingKey: 'a', seq: 1, data: {}, cause: 'x', at: new Date() },
        ]);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await relayOf(broker.bus).runOnce()).toMatchObject({ published: 0 });
  });

  test('finds what a slow transaction commits after a quicker, later one', async () => {
    const broker = aBroker();
    const relay = relayOf(broker.bus);
    const slow = await pool.connect();
    await slow.query('begin');
    await slow.query(
      `insert into outbox (id, subject, ordering_key, family, seq, payload) values ('msg_0', 'booking.booking.00.confirmed', 'slow', 'booking', 1, $1)`,
      [JSON.stringify({ subject: 'slow', sequence: 1 })],
    );
    await commit(['quick', 1]);
    await relay.runOnce();
    await slow.query('commit');
    slow.release();
    await relay.runOnce();
    expect(broker.published).toEqual(['quick1', 'slow1']);
  });

  test('keeps a message for later until it is due', async () => {
    const broker = aBroker();
    const relay = relayOf(broker.bus);
    await commit(['a', 1, new Date(Date.now() + 60_000)]);
    await relay.runOnce();
    expect(broker.published).toEqual([]);
    await database.advanceClock(61_000);
    await relay.runOnce();
    expect(broker.published).toEqual(['a1']);
    await database.setClockOffset(0);
  });
});

describe('the order of one booking', () => {
  test('holds: one message is acknowledged before the next is sent, while other bookings go on', async () => {
    const broker = aBroker();
    broker.hold = true;
    await commit(['a', 2], ['a', 1], ['a', 3], ['b', 1]);
    const round = relayOf(broker.bus).runOnce();
    await until('the first of each booking', () => broker.underWay().length === 2);
    expect(broker.underWay().sort()).toEqual(['a1', 'b1']);
    broker.release('a1');
    await until('the second', () => broker.underWay().includes('a2'));
    expect(broker.published).not.toContain('a3');
    broker.hold = false;
    broker.release('a2');
    broker.release('b1');
    expect(await round).toEqual({ published: 4, more: false });
    expect(broker.published.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  test('holds when one is refused: nothing overtakes it, and what was acknowledged is not sent again', async () => {
    const broker = aBroker();
    broker.refuse.add('a2');
    const relay = relayOf(broker.bus);
    await commit(['a', 1], ['a', 2], ['a', 3], ['b', 1], ['b', 2]);
    await expect(relay.runOnce()).rejects.toThrow('published 3 of 5 messages');
    expect(await unpublished()).toEqual(['a2', 'a3']);
    await expect(relay.runOnce()).rejects.toThrow('published 0 of 2 messages');
    broker.refuse.clear();
    await relay.runOnce();
    expect(broker.published.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(await unpublished()).toEqual([]);
  });

  test('holds from one full batch to the next', async () => {
    const broker = aBroker();
    const relay = relayOf(broker.bus);
    await commit(...Array.from({ length: 1_200 }, (_, i): [string, number] => ['a', i + 1]));
    expect(await relay.runOnce()).toEqual({ published: 1_000, more: true });
    expect(await relay.runOnce()).toEqual({ published: 200, more: false });
    expect(broker.published).toEqual(Array.from({ length: 1_200 }, (_, i) => `a${i + 1}`));
  });
});

describe('several replicas', () => {
  test('only the holder of the lease publishes', async () => {
    const broker = aBroker();
    const relays = Array.from({ length: 5 }, () => relayOf(broker.bus));
    await commit(...Array.from({ length: 50 }, (_, i): [string, number] => [`booking${i}-`, 1]));
    const rounds = await Promise.all(relays.map((relay) => relay.runOnce()));
    expect(rounds.map((round) => round.published).sort((a, b) => b - a)).toEqual([50, 0, 0, 0, 0]);
    expect(new Set(broker.published).size).toBe(50);
    expect(broker.published).toHaveLength(50);
  });

  test('another takes over when the lease of a dead one has run out, and not before', async () => {
    const broker = aBroker();
    const [first, second] = [relayOf(broker.bus), relayOf(broker.bus)];
    await first.runOnce();
    await commit(['a', 1]);
    expect((await second.runOnce()).published).toBe(0);
    await database.advanceClock(LEASE_MS + 1);
    expect((await second.runOnce()).published).toBe(1);
    await database.setClockOffset(0);
  });

  test('another takes over at once when the holder stops in order', async () => {
    const broker = aBroker();
    const [first, second] = [relayOf(broker.bus), relayOf(broker.bus)];
    await first.runOnce();
    await first.stop();
    await commit(['a', 1]);
    expect((await second.runOnce()).published).toBe(1);
  });

  test('one that was paused past its lease marks nothing: its epoch is over', async () => {
    const paused = aBroker();
    paused.hold = true;
    const successor = aBroker();
    const [first, second] = [relayOf(paused.bus), relayOf(successor.bus)];
    await commit(['a', 1]);
    const round = first.runOnce();
    await until('the message to be under way', () => paused.underWay().length === 1);
    await database.advanceClock(LEASE_MS + 1);
    successor.refuse.add('a1');
    await expect(second.runOnce()).rejects.toThrow();
    paused.release('a1');
    await round;
    // The successor decides about the message, and it has not sent it.
    expect(await unpublished()).toEqual(['a1']);
    await database.setClockOffset(0);
  });
});

describe('over JetStream', () => {
  let nats: TestNats;
  let bus: Bus;
  let consumer: InboxConsumer | null = null;
  const handled: string[] = [];

  beforeAll(async () => {
    nats = await startTestNats();
    bus = await connectBus({ url: nats.url, name: 'test', logger });
  });
  beforeEach(async () => {
    handled.length = 0;
    consumer = new InboxConsumer({
      name: 'notification-booking',
      service: 'notification',
      bus,
      pool,
      logger,
      handle: (_tx, event) => Promise.resolve(() => void handled.push(`${event.orderingKey}/${event.sequence}`)),
    });
    await consumer.start();
  });
  afterEach(() => consumer?.stop());
  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });

  /** The pool of a process that dies between acknowledgement and mark. */
  const dyingPool = () =>
    ({
      query: (query: unknown, values?: unknown[]) =>
        typeof query === 'object' && query !== null && 'name' in query && query.name === 'relay-mark'
          ? Promise.reject(new Error('killed'))
          : pool.query(query as string, values),
    }) as unknown as Pool;

  test('a crash between publish and mark publishes again, the broker keeps one, and it takes effect once', async () => {
    const booking = newId('bkg');
    await commit([booking, 1], [booking, 2]);
    await expect(relayOf(bus, { pool: dyingPool() }).runOnce()).rejects.toThrow('killed');
    expect(await unpublished()).toHaveLength(2);
    await pool.query(`update relay_lease set expires_at = '-infinity'`);
    expect((await relayOf(bus).runOnce()).published).toBe(2);
    await commit([booking, 3]);
    await pool.query(`update relay_lease set expires_at = '-infinity'`);
    await relayOf(bus).runOnce();
    await until('the last event', () => handled.includes(`${booking}/3`));
    expect(handled).toEqual([`${booking}/1`, `${booking}/2`, `${booking}/3`]);
    const { rows } = await pool.query<{ stream_seq: bigint }>(
      'select stream_seq from outbox where ordering_key = $1 order by seq',
      [booking],
    );
    expect(rows.map((row) => row.stream_seq)).toEqual([1n, 2n, 3n]);
  });

  test('beyond the broker’s dedupe window the inbox absorbs the second copy', async () => {
    const booking = newId('bkg');
    await commit([booking, 1]);
    // Another message id stands for a window that has passed.
    const forgetful = {
      ...bus,
      publish: (subject: string, payload: string) => bus.publish(subject, payload, { messageId: newId('msg') }),
    } as unknown as Bus;
    await expect(relayOf(forgetful, { pool: dyingPool() }).runOnce()).rejects.toThrow('killed');
    await pool.query(`update relay_lease set expires_at = '-infinity'`);
    await relayOf(forgetful).runOnce();
    await commit([booking, 2]);
    await pool.query(`update relay_lease set expires_at = '-infinity'`);
    await relayOf(bus).runOnce();
    await until('the second event', () => handled.includes(`${booking}/2`));
    expect(handled).toEqual([`${booking}/1`, `${booking}/2`]);
  });

  test('a broker that is away is waited for: nothing is lost and the order holds', async () => {
    const booking = newId('bkg');
    const relay = new Relay({ pool, bus, logger, service: 'test', intervalMs: 20 });
    relay.start();
    await commit([booking, 1]);
    await until('the first event', () => handled.includes(`${booking}/1`));
    await nats.kill();
    await commit([booking, 2]);
    await commit([booking, 3]);
    await nats.restart();
    await until('the last event', () => handled.includes(`${booking}/3`), 20_000);
    await relay.stop();
    expect(handled).toEqual([`${booking}/1`, `${booking}/2`, `${booking}/3`]);
    expect(await unpublished()).toEqual([]);
  });

  test('a nudge reaches the replica that leads, over the broker', async () => {
    const other = await connectBus({ url: nats.url, name: 'test-2', logger });
    // So slow a poll that only the nudge can explain the effect.
    const leader = new Relay({ pool, bus, logger, service: 'nudged', intervalMs: 3_600_000 });
    const follower = new Relay({ pool, bus: other, logger, service: 'nudged', intervalMs: 3_600_000 });
    leader.start();
    await until(
      'the lease',
      async () => (await pool.query('select from relay_lease where holder is not null')).rowCount === 1,
    );
    follower.start();
    const booking = newId('bkg');
    await commit([booking, 1]);
    // The nudge may be lost, so a caller that cares repeats it; here the follower has to learn first that it does not lead.
    await until('the event', () => {
      follower.nudge();
      return handled.includes(`${booking}/1`);
    });
    await follower.stop();
    await leader.stop();
    await other.close();
  });
});
