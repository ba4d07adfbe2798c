import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { connectBus, type Bus } from '../bus/bus.ts';
import { lackingSubject } from '../bus/topology.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { InboxConsumer } from '../inbox/consumer.ts';
import { answerLacking } from '../inbox/lacking-events.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { startTestNats, type TestNats } from '../testing/test-nats.ts';
import { until } from '../testing/until.ts';
import { appendToOutbox } from './outbox.ts';
import { Relay } from './relay.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
/** Longer than an event counts as being under way. */
const A_WHILE_MS = 3_000;

let database: TestDatabase;
let producer: Pool;
let consumer: Pool;
let nats: TestNats;
let bus: Bus;
let relay: Relay;
let inbox: InboxConsumer;

const poolOf = (schema: 'booking' | 'notification') =>
  createPool({ connectionString: database.url(schema), schema, applicationName: 'test', logger });

const aConsumer = () =>
  new InboxConsumer({
    name: 'notification-booking',
    service: 'notification',
    bus,
    pool: consumer,
    logger,
    handle: async (tx, event) => {
      await tx.query('insert into effects (ordering_key, seq) values ($1, $2)', [event.orderingKey, event.sequence]);
    },
  });

beforeEach(async () => {
  database = await createTestDatabase();
  [producer, consumer] = [poolOf('booking'), poolOf('notification')];
  await consumer.query('create table effects (n serial primary key, ordering_key text not null, seq integer not null)');
  nats = await startTestNats();
  bus = await connectBus({ url: nats.url, name: 'test', logger });
  relay = new Relay({ pool: producer, bus, logger, service: 'booking' });
  inbox = aConsumer();
});
afterEach(async () => {
  await inbox?.stop();
  await bus?.close();
  await nats?.stop();
  await producer?.end();
  await consumer?.end();
  await database?.drop();
});

/** Commits events of one booking. */
async function commit(orderingKey: string, ...seqs: number[]): Promise<void> {
  await withTransaction(producer, (tx) =>
    appendToOutbox(
      tx,
      '/booking',
      seqs.map((seq) => ({
        family: 'booking',
        name: 'confirmed',
        orderingKey,
        seq,
        data: {},
        cause: newId('req'),
        at: new Date(),
      })),
    ),
  );
}

/** Publishes everything that is not published, waiting for a broker that starts again. */
const publishAll = () =>
  until('everything to be published', async () => {
    await relay.runOnce();
    const { rows } = await producer.query<{ n: bigint }>('select count(*) as n from outbox where published_at is null');
    return rows[0]!.n === 0n;
  });

async function effects(): Promise<string[]> {
  const { rows } = await consumer.query<{ effect: string }>(
    'select ordering_key || seq as effect from effects order by n',
  );
  return rows.map((row) => row.effect);
}

const effectsToBe = (expected: readonly string[]) =>
  until(`the effects ${expected.join(' ')}`, async () => (await effects()).length >= expected.length, 20_000).then(
    async () => expect((await effects()).sort()).toEqual([...expected].sort()),
  );

/** One round of the watch, once what was published counts as arrived or lost. */
async function check() {
  await database.advanceClock(A_WHILE_MS);
  return until('the consumers and the broker to answer', () => relay.checkDelivery());
}

const unconfirmed = async () =>
  (
    await producer.query<{ event: string }>(
      'select ordering_key || seq as event from outbox where confirmed_at is null order by 1',
    )
  ).rows.map((row) => row.event);

describe('events that reached their consumer', () => {
  test('are confirmed, and nothing is sent again', async () => {
    await inbox.start();
    await commit('a', 1, 2);
    await publishAll();
    await effectsToBe(['a1', 'a2']);
    expect(await check()).toEqual({ confirmed: 2, replayed: 0, newEpochs: [] });
    expect(await unconfirmed()).toEqual([]);
    expect(await check()).toEqual({ confirmed: 0, replayed: 0, newEpochs: [] });
  });

  test('are confirmed also when they wait for their turn or stand in the dead letters: PostgreSQL has them', async () => {
    await inbox.start();
    // Without a first one the second waits; the other cannot be understood.
    await commit('a', 2);
    await commit('b', 1);
    await producer.query(`update outbox set payload = replace(payload, '"sequence":1', '"sequence":0') where seq = 1`);
    await publishAll();
    await until('the waiting one', async () => (await consumer.query('select from inbox_parked')).rowCount === 1);
    await until('the dead letter', async () => (await consumer.query('select from dead_letters')).rowCount === 1);
    expect(await check()).toMatchObject({ confirmed: 2, replayed: 0 });
    expect(await effects()).toEqual([]);
  });
});

test('events that no consumer takes are confirmed as they are published', async () => {
  await withTransaction(producer, (tx) =>
    appendToOutbox(tx, '/booking', [
      { family: 'hold', name: 'held', orderingKey: 'a', seq: 1, data: {}, cause: 'x', at: new Date() },
    ]),
  );
  await publishAll();
  expect(await unconfirmed()).toEqual([]);
});

test('events on their way to a consumer that is slow or away are waited for', async () => {
  await commit('a', 1);
  await publishAll();
  // Nobody answers.
  await database.advanceClock(A_WHILE_MS);
  await expect(relay.checkDelivery()).rejects.toThrow('not every consumer');
  expect(await unconfirmed()).toEqual(['a1']);
  // It answers, and has not come so far.
  bus.onRequest(lackingSubject('notification-booking'), 'test', (ids) =>
    answerLacking(consumer, 'notification-booking', ids),
  );
  expect(await check()).toEqual({ confirmed: 0, replayed: 0, newEpochs: [] });
});

describe('a broker whose store is lost', () => {
  test('is noticed, and what the consumer had not got is published again: everything takes effect once, in order', async () => {
    await inbox.start();
    await commit('a', 1);
    await commit('b', 1);
    await publishAll();
    await effectsToBe(['a1', 'b1']);
    await check();
    await inbox.stop();
    await commit('a', 2, 3);
    await commit('c', 1);
    await publishAll();

    await nats.restart({ wipe: true });
    inbox = aConsumer();
    await inbox.start();
    const round = await check();
    expect(round).toEqual({ confirmed: 0, replayed: 3, newEpochs: ['BOOKING'] });
    await publishAll();
    await effectsToBe(['a1', 'a2', 'a3', 'b1', 'c1']);
    expect((await effects()).filter((effect) => effect.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(await check()).toEqual({ confirmed: 3, replayed: 0, newEpochs: [] });
  });

  test('is noticed by the first acknowledgement too, when it comes before anybody looked', async () => {
    await commit('a', 1, 2);
    await publishAll();
    await nats.restart({ wipe: true });
    await commit('b', 1);
    await publishAll();
    const { rows } = await producer.query("select epoch, highest_seq from stream_marks where stream = 'BOOKING'");
    expect(rows).toEqual([{ epoch: 2, highest_seq: 1n }]);
    await inbox.start();
    expect(await check()).toMatchObject({ replayed: 2 });
    await publishAll();
    await effectsToBe(['a1', 'a2', 'b1']);
  });
});

describe('a broker whose store was rolled back', () => {
  test('gets again what it lost, also where its places were given to other events since', async () => {
    await commit('a', 1);
    await publishAll();
    await nats.copyStore();
    await commit('a', 2);
    await commit('b', 1, 2);
    await publishAll();
    await nats.restoreStore('all');
    await commit('c', 1);
    await publishAll();
    await inbox.start();
    await effectsToBe(['a1', 'c1']);
    expect(await check()).toMatchObject({ replayed: 3 });
    await publishAll();
    await effectsToBe(['a1', 'a2', 'b1', 'b2', 'c1']);
  });

  test('with its consumer left ahead of it: the consumer begins again, and nothing new is passed over', async () => {
    await inbox.start();
    await commit('a', 1);
    await publishAll();
    await effectsToBe(['a1']);
    await nats.copyStore();
    await commit('a', 2, 3);
    await publishAll();
    await effectsToBe(['a1', 'a2', 'a3']);
    await check();
    await until(
      'everything to be acknowledged',
      async () => (await bus.consumerState('notification-booking')).open === 0,
    );
    await inbox.stop();

    await nats.restoreStore('messages');
    await until('the connection', () => bus.ping());
    const before = await until('the consumer', () => bus.consumerState('notification-booking'));
    expect(before.deliveredSeq).toBeGreaterThan((await bus.streamState('BOOKING')).lastSeq);
    await commit('b', 1, 2);
    await publishAll();

    inbox = aConsumer();
    expect(await inbox.checkPlace()).toBe(false); // b took the lost places: the stream has caught up with its consumer
    await inbox.start();
    expect(await check()).toMatchObject({ replayed: 2 });
    await publishAll();
    await effectsToBe(['a1', 'a2', 'a3', 'b1', 'b2']);
  });

  test('with its consumer still ahead: it is put back before anything is passed over', async () => {
    await inbox.start();
    await commit('a', 1);
    await publishAll();
    await effectsToBe(['a1']);
    await nats.copyStore();
    await commit('a', 2, 3);
    await publishAll();
    await effectsToBe(['a1', 'a2', 'a3']);
    await until(
      'everything to be acknowledged',
      async () => (await bus.consumerState('notification-booking')).open === 0,
    );
    await inbox.stop();
    await nats.restoreStore('messages');
    await until('the connection', () => bus.ping());

    inbox = aConsumer();
    expect(await until('the broker', () => inbox.checkPlace())).toBe(true);
    expect(await inbox.checkPlace()).toBe(false);
    await inbox.start();
    await commit('b', 1);
    await publishAll();
    await effectsToBe(['a1', 'a2', 'a3', 'b1']);
  });
});

test('what is sent again gets through although the broker remembers its first id', async () => {
  await commit('a', 1);
  await publishAll();
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.purge('BOOKING');
  await connection.close();
  await inbox.start();
  expect(await check()).toMatchObject({ replayed: 1 });
  await publishAll();
  await effectsToBe(['a1']);
  const { rows } = await producer.query('select replays from outbox');
  expect(rows).toEqual([{ replays: 1 }]);
});
