import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bus, BusMessage } from '../bus/bus.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { InboxConsumer, PermanentMessageError } from '../inbox/consumer.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import type { Problem } from '../problems.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { discardDeadLetter, replayDeadLetter, restoreDeadLetter } from './decide-dead-letter.ts';
import { readDeadLetter } from './read-dead-letters.ts';

const NAME = 'notification-booking';
const logger = createLogger({ service: 'test', level: 'silent' });
const by = { userId: newId('usr'), requestId: newId('req'), role: 'operator' as const };
const REASON = 'nobody needs to be told any more';

let database: TestDatabase;
let pool: Pool;
/** The sequence at which the handler fails; null when it is mended. */
let poison: number | null;
let consumer: InboxConsumer;
beforeAll(async () => {
  database = await createTestDatabase();
  const url = database.url('notification');
  pool = createPool({ connectionString: url, schema: 'notification', applicationName: 'test', logger });
  await pool.query('create table effects (n serial primary key, ordering_key text not null, seq integer not null)');
  consumer = new InboxConsumer({
    ...{ name: NAME, service: 'notification', bus: {} as Bus, pool, logger },
    handle: async (tx, event) => {
      if (event.sequence === poison) throw new PermanentMessageError('poison');
      await tx.query('insert into effects (ordering_key, seq) values ($1, $2)', [event.orderingKey, event.sequence]);
    },
  });
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

async function deliver(booking: string, seq: number): Promise<string> {
  const event = {
    family: 'booking',
    name: 'confirmed',
    orderingKey: booking,
    seq,
    data: {},
    cause: newId('req'),
  } as const;
  const { subjects, payloads } = toOutboxRows('/booking', [{ ...event, at: new Date() }]);
  const message: BusMessage = {
    ...{ subject: subjects[0]!, payload: payloads[0]!, redelivered: false, deliveries: 1 },
    ...{ ack: () => undefined, nak: () => undefined, working: () => undefined },
  };
  return consumer.deliver(message);
}

/** A booking whose second event is a dead letter; `behind` more wait for it. */
async function stuck(behind: number): Promise<{ booking: string; letter: string }> {
  poison = 2;
  const booking = newId('bkg');
  expect(await deliver(booking, 1)).toBe('applied');
  expect(await deliver(booking, 2)).toBe('dead');
  for (let n = 0; n < behind; n += 1) expect(await deliver(booking, 3 + n)).toBe('parked');
  return { booking, letter: await letterOf(booking) };
}

async function letterOf(booking: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from dead_letters where ordering_key = $1', [booking]);
  return rows[0]!.id;
}

const replay = (letter: string) => withTransaction(pool, (tx) => replayDeadLetter(tx, letter, by));
const discard = (letter: string) => withTransaction(pool, (tx) => discardDeadLetter(tx, letter, REASON, by));
const restore = (letter: string) => withTransaction(pool, (tx) => restoreDeadLetter(tx, letter, by));
const stateOf = async (letter: string) => (await readDeadLetter(pool, 'notification', letter)).state;
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error as Problem).code,
  );

async function effectsOf(booking: string): Promise<number[]> {
  const { rows } = await pool.query<{ seq: number }>('select seq from effects where ordering_key = $1 order by n', [
    booking,
  ]);
  return rows.map(({ seq }) => seq);
}

test('a replayed letter takes effect in its turn, and what waited follows', async () => {
  const { booking, letter } = await stuck(2);
  poison = null;
  await replay(letter);
  await consumer.sweepParked();
  expect(await effectsOf(booking)).toEqual([1, 2, 3, 4]);
  const { state, acts } = await readDeadLetter(pool, 'notification', letter);
  expect([state, acts]).toEqual([
    'REPLAYED',
    [expect.objectContaining({ act: 'replay', actor: by.userId, cause: by.requestId })],
  ]);
});

test('the first event of a booking can be replayed, too', async () => {
  poison = 1;
  const booking = newId('bkg');
  expect(await deliver(booking, 1)).toBe('dead');
  expect(await deliver(booking, 2)).toBe('parked');
  poison = null;
  await replay(await letterOf(booking));
  await consumer.sweepParked();
  expect(await effectsOf(booking)).toEqual([1, 2]);
});

test('one that fails again is open again, with both decisions on record', async () => {
  const { booking, letter } = await stuck(1);
  await replay(letter);
  await consumer.sweepParked();
  expect([await stateOf(letter), await effectsOf(booking)]).toEqual(['OPEN', [1]]);
  poison = null;
  await replay(letter);
  await consumer.sweepParked();
  expect(await effectsOf(booking)).toEqual([1, 2, 3]);
  expect((await readDeadLetter(pool, 'notification', letter)).acts).toHaveLength(2);
});

test('a discarded letter never takes effect, and what waited goes on; then it is too late to take it back', async () => {
  const { booking, letter } = await stuck(2);
  await discard(letter);
  await consumer.sweepParked();
  expect(await effectsOf(booking)).toEqual([1, 3, 4]);
  expect(await codeOf(restore(letter))).toBe('dead_letter_overtaken');
  expect((await readDeadLetter(pool, 'notification', letter)).acts).toMatchObject([{ act: 'discard', reason: REASON }]);
});

test('a discard is taken back while nothing has come after it, and the letter can be replayed', async () => {
  const { booking, letter } = await stuck(0);
  await discard(letter);
  await restore(letter);
  expect(await deliver(booking, 3)).toBe('parked');
  poison = null;
  await replay(letter);
  await consumer.sweepParked();
  expect(await effectsOf(booking)).toEqual([1, 2, 3]);
});

test('of all who decide at the same moment one does, and the effect is one', async () => {
  const { booking, letter } = await stuck(1);
  poison = null;
  const codes = await Promise.all(
    Array.from({ length: 10 }, (_, n) => codeOf(n % 2 ? replay(letter) : discard(letter))),
  );
  expect(codes.filter((code) => code === 'done')).toHaveLength(1);
  expect(new Set(codes)).toEqual(new Set(['done', 'dead_letter_settled']));
  await Promise.all([consumer.sweepParked(), consumer.sweepParked()]);
  expect(await effectsOf(booking)).toEqual((await stateOf(letter)) === 'REPLAYED' ? [1, 2, 3] : [1, 3]);
});

test('nothing is done to a letter that there is not, or that nobody could read', async () => {
  expect(await codeOf(replay('nonsense'))).toBe('not_found');
  expect(await codeOf(discard(newId('dlq')))).toBe('not_found');
  const { letter } = await stuck(0);
  await pool.query('update dead_letters set ordering_key = null, family = null, seq = null where id = $1', [letter]);
  expect(await codeOf(replay(letter))).toBe('dead_letter_unreadable');
  expect(await stateOf(letter)).toBe('OPEN');
  expect(await codeOf(discard(letter))).toBe('done');
});

test('each decision is in the audit log, with the state before and after', async () => {
  const { letter } = await stuck(0);
  await discard(letter);
  await restore(letter);
  await replay(letter);
  const { rows } = await pool.query<{ action: string; states: string; reason: string | null; actor: string }>(
    `select action, (before ->> 'state') || ' ' || (after ->> 'state') as states, reason, actor
       from audit_log
      where entity_id = $1
      order by id`,
    [letter],
  );
  expect(rows).toEqual([
    { action: 'discard', states: 'OPEN DISCARDED', reason: REASON, actor: by.userId },
    { action: 'restore', states: 'DISCARDED OPEN', reason: null, actor: by.userId },
    { action: 'replay', states: 'OPEN REPLAYED', reason: null, actor: by.userId },
  ]);
});
