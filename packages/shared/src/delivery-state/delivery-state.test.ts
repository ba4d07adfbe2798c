import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connectBus, type Bus, type BusMessage } from '../bus/bus.ts';
import { consumerState, outboxState } from '../contracts/delivery-state.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { InboxConsumer } from '../inbox/consumer.ts';
import { appendToOutbox } from '../outbox/outbox.ts';
import { Relay } from '../outbox/relay.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { startTestNats, type TestNats } from '../testing/test-nats.ts';
import { until } from '../testing/until.ts';
import { consumersIn, readConsumers } from './read-consumers.ts';
import { readOutbox } from './read-outbox.ts';

const NAME = 'notification-booking';
const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
let producer: Pool;
let consumer: Pool;
let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  database = await createTestDatabase();
  const poolOf = (schema: 'booking' | 'notification') =>
    createPool({ connectionString: database.url(schema), schema, applicationName: 'test', logger });
  [producer, consumer] = [poolOf('booking'), poolOf('notification')];
});
beforeEach(async () => {
  await producer.query('truncate outbox, stream_marks');
  await producer.query(`update relay_lease set expires_at = '-infinity'`);
  await consumer.query(
    'truncate inbox, inbox_positions, inbox_parked, inbox_attempts, dead_letters, dead_letter_acts, dead_letter_replay_items',
  );
  nats = await startTestNats();
  bus = await connectBus({ url: nats.url, name: 'test', logger });
});
afterEach(async () => {
  await bus?.close();
  await nats?.stop();
});
afterAll(async () => {
  await producer?.end();
  await consumer?.end();
  await database?.drop();
});

/** Events of as many bookings, in families by their names. */
async function append(...families: ('hold' | 'booking')[]): Promise<void> {
  await withTransaction(producer, (tx) =>
    appendToOutbox(
      tx,
      '/booking',
      families.map((family) => ({
        ...{ family, name: 'confirmed', orderingKey: newId('bkg'), seq: 1, data: {}, cause: newId('req') },
        at: new Date(),
      })),
    ),
  );
}

const outbox = async () => outboxState.strict().parse(await readOutbox(producer, 'booking'));
const ours = async (from: Bus | null = bus) => {
  const all = await readConsumers(consumer, from, 'notification');
  return consumerState.strict().parse(all.find((each) => each.consumer === NAME));
};
const relayTo = (to: Bus) => new Relay({ pool: producer, bus: to, logger, service: 'booking' });

test('an empty outbox has no age', async () => {
  expect(await outbox()).toMatchObject({ depth: 0, oldest_at: null, oldest_age_seconds: null, families: [] });
});

test('messages that are due count, by family and by their age; those for later are told apart', async () => {
  await append('hold', 'booking', 'hold');
  await producer.query(`update outbox set available_at = clock.app_now() - interval '90 s' where family = 'booking'`);
  await append('booking');
  await producer.query(
    `update outbox set available_at = clock.app_now() + interval '1 h'
      where id = (select max(id) from outbox)`,
  );
  const found = await outbox();
  expect(found).toMatchObject({ service: 'booking', depth: 3, scheduled: 1, unconfirmed: 0 });
  expect(found.families.map(({ family, depth }) => [family, depth])).toEqual([
    ['booking', 1],
    ['hold', 2],
  ]);
  expect(found.oldest_age_seconds).toBeGreaterThanOrEqual(90);
  expect(found.oldest_at).toBe(found.families[0]!.oldest_at);
});

test('what is published waits to be confirmed, and lags at its consumer until it takes effect', async () => {
  await append('booking', 'booking', 'hold');
  const relay = relayTo(bus);
  await relay.runOnce();
  const published = await outbox();
  // Nobody consumes holds, so there is nothing to wait for.
  expect(published).toMatchObject({ depth: 0, unconfirmed: 2 });
  expect(published.relay.holder).not.toBeNull();
  expect(Date.parse(published.relay.expires_at!)).toBeGreaterThan(Date.parse(published.oldest_unconfirmed_at!));

  const waiting = await ours();
  expect(waiting).toMatchObject({ stream: 'BOOKING', family: 'booking', parked: 0, dead_letters: 0 });
  // The hold's event is in the same stream, and no concern of this consumer.
  expect(waiting.broker).toMatchObject({ lag: 2, pending: 2, in_flight: 0, redelivered: 0, stream_seq: 3 });
  expect(Date.parse(waiting.broker!.oldest_at!)).not.toBeNaN();

  const inbox = new InboxConsumer({
    ...{ name: NAME, service: 'notification', bus, pool: consumer, logger },
    handle: () => Promise.resolve(),
  });
  await inbox.start();
  const done = await until('both took effect', async () => {
    const now = await ours();
    return now.broker?.lag === 0 && now;
  });
  await inbox.stop();
  await relay.stop();
  expect(done.broker).toMatchObject({ pending: 0, in_flight: 0, oldest_at: null, oldest_age_seconds: null });
  expect(done.last_effect_at).not.toBeNull();
});

test('a message that was handed out twice and not acknowledged is redelivered, and as old as its publication', async () => {
  await append('booking', 'booking');
  const relay = relayTo(bus);
  await relay.runOnce();
  await relay.stop();
  const seen: BusMessage[] = [];
  const subscription = await bus.consume(NAME, (message) => {
    seen.push(message);
    if (!message.redelivered) message.nak(0);
  });
  await until('both came again', () => seen.filter(({ redelivered }) => redelivered).length === 2);
  const state = await ours();
  await subscription.stop();
  expect(state.broker).toMatchObject({ lag: 2, pending: 0, in_flight: 2, redelivered: 2 });
  expect(state.broker!.oldest_at).not.toBeNull();
});

test('without the broker the tables still tell: parked, failing, dead', async () => {
  const key = newId('bkg');
  await consumer.query(
    `insert into inbox_parked (consumer, ordering_key, family, seq, event_id, subject, payload)
     values ($1, $2, 'booking', 2, 'e2', 's', 'p'), ($1, $2, 'booking', 3, 'e3', 's', 'p'), ('other', $2, 'booking', 2, 'e2', 's', 'p')`,
    [NAME, key],
  );
  await consumer.query(
    `insert into inbox_attempts (consumer, event_id, last_error)
     values ($1, 'failing', 'x'), ($1, 'took effect', 'x'), ($1, 'dead', 'x')`,
    [NAME],
  );
  await consumer.query(`insert into inbox (consumer, event_id) values ($1, 'took effect')`, [NAME]);
  await consumer.query(
    `insert into dead_letters (id, consumer, event_id, subject, payload, attempts, cause, error, state)
     values ($1, $3, 'dead', 's', 'p', 1, 'permanent', 'x', 'OPEN'), ($2, $3, 'gone', 's', 'p', 1, 'permanent', 'x', 'DISCARDED')`,
    [newId('dlq'), newId('dlq'), NAME],
  );
  const known = { broker: null, parked: 2, failing: 1, dead_letters: 1 };
  expect(await ours(null)).toMatchObject(known);
  await nats.kill();
  expect(await ours()).toMatchObject(known);
});

test('every consumer is told of by the service that runs it', () => {
  expect(consumersIn('booking')).toEqual(['booking-payment']);
  expect(consumersIn('payment')).toEqual(['payment-checkout']);
  expect(consumersIn('notification')).toHaveLength(3);
  expect(consumersIn('gateway')).toEqual([]);
});
