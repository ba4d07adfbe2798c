import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Bus, BusMessage } from '../bus/bus.ts';
import { deadLetterInFull } from '../contracts/dead-letters.ts';
import { serviceReplay, type DeadLetterFilter } from '../contracts/dead-letter-replays.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId, type Id } from '../ids.ts';
import { InboxConsumer, PermanentMessageError } from '../inbox/consumer.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { discardDeadLetter } from './decide-dead-letter.ts';
import { readDeadLetter } from './read-dead-letters.ts';
import { readReplay, replayNext, startReplay, stopReplay } from './replay-many.ts';
import { countMatching } from './replay-store.ts';

const NAME = 'notification-booking';
const SERVICE = 'notification';
const logger = createLogger({ service: 'test', level: 'silent' });
const by = { userId: newId('usr'), role: 'operator' as const, requestId: newId('req') };
const ALL: DeadLetterFilter = {};

let database: TestDatabase;
let pool: Pool;
let otherProcess: Pool;
/** Events by this name fail; null when the handler is mended. */
let poison: string | null;
let consumer: InboxConsumer;
beforeAll(async () => {
  database = await createTestDatabase();
  const connect = () =>
    createPool({ connectionString: database.url(SERVICE), schema: SERVICE, applicationName: 'test', logger });
  [pool, otherProcess] = [connect(), connect()];
  await pool.query('create table effects (n serial primary key, ordering_key text not null)');
  consumer = new InboxConsumer({
    ...{ name: NAME, service: SERVICE, bus: {} as Bus, pool, logger, maxAttempts: 3 },
    handle: async (tx, event) => {
      if (event.name === poison) throw new PermanentMessageError('poison');
      if (event.name === `unlucky_${poison}`) throw new Error('no luck');
      await tx.query('insert into effects (ordering_key) values ($1)', [event.orderingKey]);
    },
  });
});
beforeEach(async () => {
  poison = 'confirmed';
  await pool.query(
    'truncate effects, dead_letters, dead_letter_acts, dead_letter_replays, dead_letter_replay_items, inbox_parked',
  );
});
afterAll(async () => {
  await pool?.end();
  await otherProcess?.end();
  await database?.drop();
});

function messageOf(name: string, deliveries = 1, headers?: Record<string, string>): BusMessage {
  const event = { family: 'booking', name, orderingKey: newId('bkg'), seq: 1, data: {}, cause: newId('req') } as const;
  const { subjects, payloads } = toOutboxRows('/booking', [{ ...event, at: new Date() }]);
  return {
    ...{ subject: subjects[0]!, payload: payloads[0]!, redelivered: deliveries > 1, deliveries },
    ...(headers === undefined ? {} : { headers }),
    ...{ ack: () => undefined, nak: () => undefined, working: () => undefined },
  };
}

/** So many letters, each of a booking of its own; their ids, the oldest first. */
async function letters(count: number, name = 'confirmed'): Promise<string[]> {
  const was = poison;
  poison = name;
  for (let n = 0; n < count; n += 1) expect(await consumer.deliver(messageOf(name))).toBe('dead');
  poison = was;
  const { rows } = await pool.query<{ id: string }>(`select id from dead_letters where payload like $1 order by id`, [
    `%holdfast.booking.${name}.v1%`,
  ]);
  return rows.map(({ id }) => id);
}

async function start(filter: DeadLetterFilter = ALL, ratePerSecond = 100, id = newId('rpl')): Promise<Id<'rpl'>> {
  await withTransaction(pool, (tx) => startReplay(tx, { id, filter, ratePerSecond, by }));
  return id;
}

/** Turns until none is due. */
async function turns(): Promise<number> {
  let taken = 0;
  while ((await replayNext(pool)).more) taken += 1;
  return taken;
}

const progress = async (id: string) => serviceReplay.strict().parse(await readReplay(pool, SERVICE, id));
const effects = async () => (await pool.query('select n from effects')).rowCount;

test('letters are replayed a second’s worth at a time, the oldest first, and take effect once', async () => {
  const ids = await letters(5);
  const job = await start(ALL, 2);
  expect(await progress(job)).toMatchObject({ state: 'RUNNING', total: 5, waiting: 5, replayed: 0 });
  poison = null;
  for (const [replayed, waiting] of [[2, 3] as const, [4, 1] as const, [5, 0] as const]) {
    // However many look, one turn is due in a second.
    expect(await turns()).toBe(1);
    expect(await progress(job)).toMatchObject({ replayed, waiting });
    const { rows } = await pool.query<{ id: string }>(`select id from dead_letters where state = 'OPEN' order by id`);
    expect(rows.map(({ id }) => id)).toEqual(ids.slice(replayed));
    await database.advanceClock(1_001);
  }
  await consumer.sweepParked();
  expect(await effects()).toBe(5);
  const done = await progress(job);
  expect(done).toMatchObject({ state: 'DONE', took_effect: 5, failed_again: 0, skipped: 0 });
  expect(done.finished_at).not.toBeNull();
  expect(await turns()).toBe(0);
});

test('a filter by type, cause or consumer leaves the others alone, and counting changes nothing', async () => {
  await letters(2, 'cancelled');
  const wanted = await letters(1, 'expired');
  await pool.query(`update dead_letters set cause = 'attempts_exhausted' where id = $1`, [wanted[0]]);
  const filters: [DeadLetterFilter, number][] = [
    [{ type: 'holdfast.booking.cancelled.v1' }, 2],
    [{ cause: 'attempts_exhausted' }, 1],
    [{ consumer: NAME }, 3],
    [{ consumer: 'another' }, 0],
    [{ type: 'holdfast.booking.cancelled.v1', cause: 'attempts_exhausted' }, 0],
  ];
  for (const [filter, replayable] of filters) {
    expect(await countMatching(pool, filter)).toEqual({ replayable, unreadable: 0 });
  }
  const job = await start({ cause: 'attempts_exhausted' });
  await turns();
  expect(await progress(job)).toMatchObject({ total: 1, replayed: 1, filter: { cause: 'attempts_exhausted' } });
  const { rows } = await pool.query<{ id: string }>(`select id from dead_letters where state = 'REPLAYED'`);
  expect(rows).toEqual([{ id: wanted[0] }]);
});

test('what nobody could read is told apart and left alone; a job that finds nothing is done', async () => {
  expect(await consumer.deliver({ ...messageOf('confirmed'), payload: '{' })).toBe('dead');
  expect(await countMatching(pool, ALL)).toEqual({ replayable: 0, unreadable: 1 });
  expect(await progress(await start())).toMatchObject({ state: 'DONE', total: 0 });
});

test('letters that somebody decides about before their turn are skipped', async () => {
  const [first, second] = await letters(2);
  const job = await start();
  await withTransaction(pool, (tx) => discardDeadLetter(tx, first!, 'not needed any more', by));
  await turns();
  expect(await progress(job)).toMatchObject({ state: 'DONE', skipped: 1, replayed: 1 });
  expect((await readDeadLetter(pool, SERVICE, first!)).state).toBe('DISCARDED');
  expect((await readDeadLetter(pool, SERVICE, second!)).state).toBe('REPLAYED');
});

test('those that fail again are open again, and counted', async () => {
  await letters(2);
  const job = await start();
  await turns();
  await consumer.sweepParked();
  expect(await progress(job)).toMatchObject({ state: 'DONE', replayed: 2, took_effect: 0, failed_again: 2 });
  expect(await effects()).toBe(0);
});

test('several processes take one turn together, and each letter is replayed once', async () => {
  const ids = await letters(6);
  const job = await start(ALL, 4);
  poison = null;
  const looks = Array.from({ length: 8 }, (_, n) => replayNext(n % 2 ? pool : otherProcess));
  expect((await Promise.all(looks)).filter(({ more }) => more)).toHaveLength(1);
  expect(await progress(job)).toMatchObject({ replayed: 4, waiting: 2 });
  await database.advanceClock(1_001);
  await Promise.all([replayNext(pool), replayNext(otherProcess)]);
  for (const id of ids) expect((await readDeadLetter(pool, SERVICE, id)).acts).toHaveLength(1);
});

test('a turn that is cut off leaves nothing behind, and the next process goes on', async () => {
  const ids = await letters(3);
  const job = await start();
  await withTransaction(otherProcess, async (tx) => {
    // Its turn waits for this letter until PostgreSQL ends it, with what it did to the letters before.
    await tx.query('select from dead_letters where id = $1 for update', [ids[2]]);
    await expect(replayNext(pool)).rejects.toMatchObject({ code: '55P03' });
  });
  expect(await progress(job)).toMatchObject({ state: 'RUNNING', waiting: 3, replayed: 0 });
  expect((await readDeadLetter(pool, SERVICE, ids[0]!)).acts).toEqual([]);
  await replayNext(otherProcess);
  expect(await progress(job)).toMatchObject({ state: 'DONE', replayed: 3 });
});

test('a job that is stopped leaves the rest open; it cannot be stopped twice', async () => {
  await letters(3);
  const job = await start(ALL, 1);
  await turns();
  const stop = () => withTransaction(pool, (tx) => stopReplay(tx, job, by));
  await stop();
  await database.advanceClock(1_001);
  expect(await turns()).toBe(0);
  expect(await progress(job)).toMatchObject({ state: 'STOPPED', replayed: 1, waiting: 2 });
  await expect(stop()).rejects.toMatchObject({ code: 'dead_letter_replay_over' });
  for (const id of [newId('rpl'), newId('dlq'), 'nonsense']) {
    await expect(withTransaction(pool, (tx) => stopReplay(tx, id, by))).rejects.toMatchObject({ code: 'not_found' });
    await expect(readReplay(pool, SERVICE, id)).rejects.toMatchObject({ code: 'not_found' });
  }
});

test('the same job again is the same job; job, stop and each letter are in the audit log', async () => {
  const [letter] = await letters(1);
  const job = await start();
  await letters(1);
  await start(ALL, 100, job);
  expect(await progress(job)).toMatchObject({ total: 1 });
  await turns();
  const { rows } = await pool.query<{ entity_id: string; actor: string; total: string | null }>(
    `select entity_id, actor, after ->> 'total' as total from audit_log where entity_id in ($1, $2) order by id`,
    [job, letter],
  );
  expect(rows).toEqual([
    { entity_id: job, actor: by.userId, total: '1' },
    { entity_id: letter, actor: by.userId, total: null },
  ]);
});

test('a letter shows the error of each attempt, the headers it came with, and what came of a replay', async () => {
  const headers = { 'Nats-Msg-Id': 'msg_1', traceparent: '00-abc', long: 'x'.repeat(9_000) };
  const message = messageOf('unlucky_confirmed', 1, headers);
  const again = (deliveries: number) => consumer.deliver({ ...message, redelivered: deliveries > 1, deliveries });
  expect([await again(1), await again(2), await again(3), await again(4)]).toEqual(['retry', 'retry', 'retry', 'dead']);
  const { rows } = await pool.query<{ id: string }>('select id from dead_letters');
  const { id } = rows[0]!;
  const letter = deadLetterInFull.strict().parse(await readDeadLetter(pool, SERVICE, id));
  expect(letter.errors.map(({ attempt, error }) => [attempt, error])).toEqual([
    [1, 'Error: no luck'],
    [2, 'Error: no luck'],
    [3, 'Error: no luck'],
  ]);
  expect(letter.headers).toMatchObject({ 'Nats-Msg-Id': 'msg_1', traceparent: '00-abc' });
  expect(letter.headers['long']!.length).toBeLessThan(1_000);

  await start();
  await turns();
  await consumer.sweepParked();
  const failed = await readDeadLetter(pool, SERVICE, id);
  expect(failed).toMatchObject({ state: 'REPLAYED', headers: letter.headers });
  for (let n = 0; n < 3; n += 1) await consumer.sweepParked();
  const dead = await readDeadLetter(pool, SERVICE, id);
  expect([dead.state, dead.errors.length]).toEqual(['OPEN', 6]);
});

test('an error that no repetition can help is kept once, also of a message that had waited', async () => {
  const [id] = await letters(1);
  expect((await readDeadLetter(pool, SERVICE, id!)).errors).toMatchObject([
    { attempt: 1, error: 'PermanentMessageError: poison' },
  ]);
  await start();
  await turns();
  await consumer.sweepParked();
  expect((await readDeadLetter(pool, SERVICE, id!)).errors).toHaveLength(2);
});
