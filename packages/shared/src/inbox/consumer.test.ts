import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Bus, BusMessage } from '../bus/bus.ts';
import { createPool, type Pool } from '../db/pool.ts';
import type { Tx } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { until } from '../testing/until.ts';
import { InboxConsumer, PermanentMessageError, type ConsumerOptions } from './consumer.ts';
import { parseEvent, type IncomingEvent } from './incoming-event.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const NAME = 'notification-booking';

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
  await pool.query('create table effects (n serial primary key, ordering_key text not null, seq integer not null)');
});
beforeEach(() => pool.query('truncate effects'));
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

/** The events of one booking: `event(2)` is its second. The same number is the same event each time. */
function aBooking() {
  const id = newId('bkg');
  const events = new Map<number, { id: string; subject: string; payload: string }>();
  return {
    id,
    event(seq: number) {
      const known = events.get(seq);
      if (known) return known;
      const rows = toOutboxRows('/booking', [
        {
          family: 'booking',
          name: 'confirmed',
          orderingKey: id,
          seq,
          data: { seq },
          cause: newId('req'),
          at: new Date(),
        },
      ]);
      const event = { id: rows.ids[0]!, subject: rows.subjects[0]!, payload: rows.payloads[0]! };
      events.set(seq, event);
      return event;
    },
  };
}

/** One delivery as the broker makes it; records how it was answered. */
function delivery(event: { subject: string; payload: string }, deliveries = 1) {
  const answers: (string | number)[] = [];
  const message: BusMessage = {
    subject: event.subject,
    payload: event.payload,
    redelivered: deliveries > 1,
    deliveries,
    ack: () => answers.push('ack'),
    nak: (delayMs) => answers.push(delayMs),
    working: () => answers.push('working'),
  };
  return { message, answers };
}

/** A consumer whose effect is a row; `handle` runs before it. */
function setup(over: Partial<ConsumerOptions> = {}) {
  let afterCommits = 0;
  const { handle, ...rest } = over;
  const consumer = new InboxConsumer({
    name: NAME,
    service: 'notification',
    bus: {} as Bus,
    pool,
    logger,
    ...rest,
    handle: async (tx: Tx, event: IncomingEvent) => {
      await tx.query('insert into effects (ordering_key, seq) values ($1, $2)', [event.orderingKey, event.sequence]);
      await handle?.(tx, event);
      return () => {
        afterCommits += 1;
      };
    },
  });
  return { consumer, afterCommits: () => afterCommits };
}

async function effectsOf(booking: { id: string }): Promise<number[]> {
  const { rows } = await pool.query<{ seq: number }>('select seq from effects where ordering_key = $1 order by n', [
    booking.id,
  ]);
  return rows.map((row) => row.seq);
}

interface Letter {
  id: string;
  event_id: string;
  cause: string;
  error: string;
  attempts: number;
  seq: number | null;
  payload: string;
}

async function lettersOf(booking: { id: string }): Promise<Letter[]> {
  const { rows } = await pool.query<Letter>(
    'select id, event_id, cause, error, attempts, seq, payload from dead_letters where ordering_key = $1 order by seq',
    [booking.id],
  );
  return rows;
}

describe('a message that comes again', () => {
  test('has one effect and is acknowledged each time', async () => {
    const { consumer, afterCommits } = setup();
    const booking = aBooking();
    const first = delivery(booking.event(1));
    const second = delivery(booking.event(1), 2);
    expect(await consumer.deliver(first.message)).toBe('applied');
    expect(await consumer.deliver(second.message)).toBe('duplicate');
    expect([first.answers, second.answers]).toEqual([['ack'], ['ack']]);
    expect(await effectsOf(booking)).toEqual([1]);
    expect(afterCommits()).toBe(1);
  });

  test('has one effect when several replicas get it at the same moment', async () => {
    const booking = aBooking();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => setup().consumer.deliver(delivery(booking.event(1)).message)),
    );
    expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'duplicate')).toHaveLength(7);
    expect(await effectsOf(booking)).toEqual([1]);
  });
});

describe('a message that comes too early', () => {
  test('is parked, and everything takes effect in sequence', async () => {
    const { consumer } = setup();
    const booking = aBooking();
    const early = delivery(booking.event(3));
    expect(await consumer.deliver(early.message)).toBe('parked');
    expect(early.answers).toEqual(['ack']);
    expect(await consumer.deliver(delivery(booking.event(2)).message)).toBe('parked');
    expect(await consumer.deliver(delivery(booking.event(3), 2).message)).toBe('parked');
    expect(await effectsOf(booking)).toEqual([]);

    expect(await consumer.deliver(delivery(booking.event(1)).message)).toBe('applied');
    expect(await effectsOf(booking)).toEqual([1, 2, 3]);
    expect(await consumer.deliver(delivery(booking.event(2), 2).message)).toBe('duplicate');
    const { rows } = await pool.query('select from inbox_parked where ordering_key = $1', [booking.id]);
    expect(rows).toHaveLength(0);
  });

  test('any order of arrival, over several replicas, ends in the one order', async () => {
    const booking = aBooking();
    const replicas = [setup().consumer, setup().consumer, setup().consumer];
    const order = [5, 2, 6, 1, 4, 3, 2, 6];
    await Promise.all(order.map((seq, i) => replicas[i % 3]!.deliver(delivery(booking.event(seq)).message)));
    // Two replicas that parked and advanced side by side may each have looked before the other's commit: the sweep is for them.
    await replicas[0]!.sweepParked();
    expect(await effectsOf(booking)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('does not hold up the consumer when it has the id of one that took effect already', async () => {
    const { consumer } = setup();
    const booking = aBooking();
    const first = booking.event(1);
    const impostor = { ...first, payload: first.payload.replace('"sequence":1', '"sequence":2') };
    await consumer.deliver(delivery(impostor).message);
    expect(await consumer.deliver(delivery(first).message)).toBe('applied');
    expect(await effectsOf(booking)).toEqual([1]);
  });

  test('is applied by the sweep when the process died between the two', async () => {
    const { consumer } = setup();
    const booking = aBooking();
    await consumer.deliver(delivery(booking.event(2)).message);
    // The first one's transaction committed, and its process ended before it looked at what was parked.
    await pool.query(`update inbox_positions set last_seq = 1 where consumer = $1 and ordering_key = $2`, [
      NAME,
      booking.id,
    ]);
    await setup().consumer.sweepParked();
    expect(await effectsOf(booking)).toEqual([2]);
  });
});

describe('a message whose handler fails', () => {
  test('leaves nothing behind and is asked for again, later each time', async () => {
    const { consumer, afterCommits } = setup({ handle: () => Promise.reject(new Error('no luck')) });
    const booking = aBooking();
    const pauses: (string | number)[] = [];
    for (let attempt = 1; attempt <= 9; attempt++) {
      const { message, answers } = delivery(booking.event(1), attempt);
      expect(await consumer.deliver(message)).toBe('retry');
      pauses.push(...answers);
    }
    [400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000].forEach((longest, index) => {
      expect(pauses[index]).toBeGreaterThanOrEqual(longest / 2);
      expect(pauses[index]).toBeLessThanOrEqual(longest);
    });
    expect(await effectsOf(booking)).toEqual([]);
    expect(afterCommits()).toBe(0);
    expect(await lettersOf(booking)).toEqual([]);
  });

  test('takes effect when a later attempt succeeds', async () => {
    let failures = 2;
    const { consumer } = setup({
      handle: () => (failures-- > 0 ? Promise.reject(new Error('no luck')) : Promise.resolve()),
    });
    const booking = aBooking();
    expect(await consumer.deliver(delivery(booking.event(1), 1).message)).toBe('retry');
    expect(await consumer.deliver(delivery(booking.event(1), 2).message)).toBe('retry');
    expect(await consumer.deliver(delivery(booking.event(1), 3).message)).toBe('applied');
    expect(await effectsOf(booking)).toEqual([1]);
  });

  test('is a dead letter after the last attempt, with a copy on its way to DEAD_LETTER in the same transaction', async () => {
    let nudges = 0;
    const { consumer } = setup({
      maxAttempts: 3,
      handle: () => Promise.reject(new Error('no luck')),
      onDeadLetter: () => (nudges += 1),
    });
    const booking = aBooking();
    const event = booking.event(1);
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await consumer.deliver(delivery(event, attempt).message)).toBe('retry');
    }
    const last = delivery(event, 4);
    expect(await consumer.deliver(last.message)).toBe('dead');
    expect(last.answers).toEqual(['ack']);
    expect(nudges).toBe(1);
    const [letter, ...more] = await lettersOf(booking);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      event_id: event.id,
      cause: 'attempts_exhausted',
      error: 'Error: no luck',
      seq: 1,
      payload: event.payload,
    });
    const { rows } = await pool.query<{ subject: string; payload: string }>(
      'select subject, payload from outbox where ordering_key = $1',
      [letter!.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.subject).toMatch(/^dead_letter\.\d\d\.notification_booking$/);
    expect(JSON.parse(rows[0]!.payload)).toMatchObject({
      family: 'dead_letter',
      cause: event.id,
      data: { consumer: NAME, error: 'Error: no luck', payload: event.payload },
    });

    expect(await consumer.deliver(delivery(event, 5).message)).toBe('dead');
    expect(await lettersOf(booking)).toHaveLength(1);
  });

  test('counts attempts that end the process: the counter is in the database, not in the process', async () => {
    const booking = aBooking();
    // Seven redeliveries after each of which a process died inside its handler.
    for (let attempt = 2; attempt <= 8; attempt++) {
      const { promise: death, reject: die } = Promise.withResolvers<void>();
      const dying = setup({ maxAttempts: 8, handle: () => death }).consumer;
      const ended = dying.deliver(delivery(booking.event(1), 2).message);
      await untilHandled(booking.event(1).id, attempt);
      await cutTransactions();
      // Only now may the test's own process go on with it; it finds its connection gone.
      die(new Error('process ended'));
      await ended;
    }
    const successor = setup({ maxAttempts: 8 }).consumer;
    expect(await successor.deliver(delivery(booking.event(1), 2).message)).toBe('dead');
    const [letter] = await lettersOf(booking);
    expect(letter).toMatchObject({ cause: 'attempts_exhausted', attempts: 9 });
    expect(await effectsOf(booking)).toEqual([]);
  });
});

describe('a message that ends its process', () => {
  /** Deliveries whose handler never comes back: the connection is cut under them, as the death of their process would. */
  async function dieOf(event: { id: string; subject: string; payload: string }, deliveries: number[]) {
    const ends: (() => Promise<unknown>)[] = [];
    for (const number of deliveries) {
      const { promise: death, reject: die } = Promise.withResolvers<void>();
      const ended = setup({ handle: () => death }).consumer.deliver(delivery(event, number).message);
      await untilHandled(event.id, number);
      await cutTransactions();
      ends.push(() => (die(new Error('the end of the test')), ended));
    }
    return { end: () => Promise.all(ends.map((end) => end())) };
  }

  test('is a dead letter after the third, long before its attempts are used up', async () => {
    const booking = aBooking();
    const event = booking.event(1);
    // The first death leaves no trace; the second and the third are noticed by who comes after.
    const deaths = await dieOf(event, [2, 3]);
    const { consumer } = setup();
    expect(await consumer.deliver(delivery(event, 4).message)).toBe('dead');
    expect(await lettersOf(booking)).toMatchObject([{ cause: 'process_ended', attempts: 4 }]);
    expect(await effectsOf(booking)).toEqual([]);
    await deaths.end();
  });

  test('is not taken for one when it took effect and only its acknowledgement was lost', async () => {
    const booking = aBooking();
    const event = booking.event(1);
    const { consumer } = setup();
    await consumer.deliver(delivery(event, 1).message);
    for (const number of [2, 3, 4, 5])
      expect(await consumer.deliver(delivery(event, number).message)).toBe('duplicate');
    expect(await lettersOf(booking)).toEqual([]);
  });

  test('is not taken for one when it failed and the database was not there to be told', async () => {
    const booking = aBooking();
    const event = booking.event(1);
    const { consumer } = setup({
      handle: async () => {
        await pool.query('alter table inbox_attempts rename to inbox_attempts_away');
        throw new Error('no luck');
      },
    });
    for (const number of [2, 3, 4, 5]) {
      expect(await consumer.deliver(delivery(event, number).message)).toBe('retry');
      await pool.query('alter table inbox_attempts_away rename to inbox_attempts');
    }
    expect(await lettersOf(booking)).toEqual([]);
  });

  test('is one also while it waits for its turn', async () => {
    const booking = aBooking();
    const { consumer } = setup();
    await consumer.deliver(delivery(booking.event(2)).message);
    await pool.query(
      `insert into inbox_attempts (consumer, event_id, attempts, deaths, started_at) values ($1, $2, 3, 2, clock.app_now())`,
      [NAME, booking.event(2).id],
    );
    await consumer.deliver(delivery(booking.event(1)).message);
    expect(await lettersOf(booking)).toMatchObject([{ seq: 2, cause: 'process_ended' }]);
    expect(await effectsOf(booking)).toEqual([1]);
  });
});

describe('a message of a version that this release does not know', () => {
  test('waits, and its booking with it, for a release that does; nobody else waits', async () => {
    const booking = aBooking();
    const other = aBooking();
    const newer = booking.event(2);
    const unknown = { ...newer, payload: newer.payload.replace('.confirmed.v1"', '.confirmed.v2"') };
    const { consumer } = setup();
    expect(await consumer.deliver(delivery(booking.event(1)).message)).toBe('applied');
    const { message, answers } = delivery(unknown);
    expect(await consumer.deliver(message)).toBe('parked');
    expect(answers).toEqual(['ack']);
    expect(await consumer.deliver(delivery(booking.event(3)).message)).toBe('parked');
    expect(await consumer.deliver(delivery(other.event(1)).message)).toBe('applied');
    for (let round = 0; round < 12; round++) await consumer.sweepParked();
    expect(await effectsOf(booking)).toEqual([1]);
    expect(await lettersOf(booking)).toEqual([]);

    await setup({ knownVersion: 2 }).consumer.sweepParked();
    expect(await effectsOf(booking)).toEqual([1, 2, 3]);
  });
});

describe('a message that no repetition can help', () => {
  test('is a dead letter at once when its handler says so', async () => {
    const { consumer } = setup({ handle: () => Promise.reject(new PermanentMessageError('breaks its contract')) });
    const booking = aBooking();
    const { message, answers } = delivery(booking.event(1));
    expect(await consumer.deliver(message)).toBe('dead');
    expect(answers).toEqual(['ack']);
    expect(await lettersOf(booking)).toMatchObject([
      { cause: 'permanent', error: 'PermanentMessageError: breaks its contract', attempts: 1 },
    ]);
    expect(await effectsOf(booking)).toEqual([]);
  });

  test.each([
    ['no JSON', 'hello'],
    ['empty', ''],
    ['no envelope', '{"id":"x"}'],
    ['bytes that PostgreSQL cannot store as text', '{"id":"\0"}'],
    ['a lone surrogate', '{"id":"\ud800"}'],
    ['an event of another family', aBooking().event(1).payload.replace('"family":"booking"', '"family":"payment"')],
  ])('is a dead letter when it is %s', async (_, payload) => {
    const before = await pool.query(`select from dead_letters where cause = 'malformed'`);
    const { message, answers } = delivery({ subject: 'booking.booking.00.confirmed', payload });
    expect(await setup().consumer.deliver(message)).toBe('dead');
    expect(answers).toEqual(['ack']);
    const after = await pool.query(`select from dead_letters where cause = 'malformed'`);
    expect(after.rowCount).toBe(before.rowCount! + 1);
  });
});

test('the copy of a very large message still fits into DEAD_LETTER; the row has all of it', async () => {
  const payload = `{"id":"${'\u0001'.repeat(200_000)}`;
  await setup().consumer.deliver(delivery({ subject: 'booking.booking.00.confirmed', payload }).message);
  const { rows } = await pool.query<{ whole: number; copy: number }>(
    `select length(dead_letters.payload) as whole, octet_length(outbox.payload) as copy
       from dead_letters join outbox on outbox.ordering_key = dead_letters.id
      order by dead_letters.id desc limit 1`,
  );
  expect(rows[0]!.whole).toBe(payload.length);
  expect(rows[0]!.copy).toBeLessThan(256 * 1024);
});

describe('after a dead letter', () => {
  test('that booking’s later events wait, and nobody else’s do', async () => {
    const stuck = aBooking();
    const other = aBooking();
    const { consumer } = setup({
      handle: (_tx, event) =>
        event.orderingKey === stuck.id && event.sequence === 2
          ? Promise.reject(new PermanentMessageError('poison'))
          : Promise.resolve(),
    });
    expect(await consumer.deliver(delivery(stuck.event(1)).message)).toBe('applied');
    expect(await consumer.deliver(delivery(stuck.event(2)).message)).toBe('dead');
    expect(await consumer.deliver(delivery(stuck.event(3)).message)).toBe('parked');
    for (const seq of [1, 2, 3]) expect(await consumer.deliver(delivery(other.event(seq)).message)).toBe('applied');
    await consumer.sweepParked();
    expect(await effectsOf(stuck)).toEqual([1]);
    expect(await effectsOf(other)).toEqual([1, 2, 3]);

    // Mended and replayed: what waited follows by itself.
    expect(await setup().consumer.deliver(delivery(stuck.event(2)).message)).toBe('applied');
    expect(await effectsOf(stuck)).toEqual([1, 2, 3]);
  });

  test('a parked event that fails is counted by the sweep, dead-lettered in its turn, and holds up only its own booking', async () => {
    const stuck = aBooking();
    const other = aBooking();
    const { consumer } = setup({
      maxAttempts: 3,
      handle: (_tx, event) =>
        event.orderingKey === stuck.id && event.sequence === 2
          ? Promise.reject(new Error('no luck'))
          : Promise.resolve(),
    });
    await consumer.deliver(delivery(stuck.event(3)).message);
    await consumer.deliver(delivery(stuck.event(2)).message);
    expect(await consumer.deliver(delivery(stuck.event(1)).message)).toBe('applied');
    // The first of its three attempts came with the event before it.
    for (let attempt = 2; attempt <= 3; attempt++) await consumer.sweepParked();
    expect(await lettersOf(stuck)).toEqual([]);
    await consumer.sweepParked();
    expect(await lettersOf(stuck)).toMatchObject([{ seq: 2, cause: 'attempts_exhausted', error: 'Error: no luck' }]);
    await consumer.deliver(delivery(other.event(1)).message);
    await consumer.sweepParked();
    expect(await effectsOf(stuck)).toEqual([1]);
    expect(await effectsOf(other)).toEqual([1]);
  });
});

describe('without the database', () => {
  test('a message is asked for again, and is not given up however often that happens', async () => {
    const away = createPool({
      connectionString: database.url('notification').replace(/:\d+\//, ':1/'),
      schema: 'notification',
      applicationName: 'test',
      logger,
    });
    const { consumer } = setup({ pool: away, maxAttempts: 3 });
    const booking = aBooking();
    for (let attempt = 1; attempt <= 6; attempt++) {
      const { message, answers } = delivery(booking.event(1), attempt);
      expect(await consumer.deliver(message)).toBe('retry');
      expect(answers).toHaveLength(1);
    }
    await away.end();
    expect(await setup({ maxAttempts: 3 }).consumer.deliver(delivery(booking.event(1), 7).message)).toBe('applied');
  });
});

/** Resolves when this attempt was counted and its handler is inside its transaction. */
async function untilHandled(eventId: string, attempts: number): Promise<void> {
  await until('a handler in its transaction', async () => {
    const { rows } = await pool.query<{ attempts: number; inside: boolean }>(
      `select attempts,
              exists (select from pg_stat_activity
                       where datname = current_database() and usename = current_user and state = 'idle in transaction' and query like 'insert into effects%') as inside
         from inbox_attempts where event_id = $1`,
      [eventId],
    );
    return rows[0]?.attempts === attempts && rows[0].inside;
  });
}

/** Ends the connections of handlers that will never return, as the death of their process would. */
async function cutTransactions(): Promise<void> {
  await pool.query(
    `select pg_terminate_backend(pid, 1000) from pg_stat_activity
      where datname = current_database() and usename = current_user and state = 'idle in transaction'`,
  );
}

describe('messages of different bookings that wait at the same time', () => {
  /** A consumer that takes events together, counting its transactions' worth of them. */
  function together(over: Partial<ConsumerOptions> = {}) {
    const batches: number[] = [];
    const base = setup(over);
    const handleTogether: ConsumerOptions['handleTogether'] = async (tx, events) => {
      batches.push(events.length);
      for (const event of events) {
        await tx.query('insert into effects (ordering_key, seq) values ($1, $2)', [event.orderingKey, event.sequence]);
        await over.handle?.(tx, event);
      }
    };
    const consumer = new InboxConsumer({
      name: NAME,
      service: 'notification',
      bus: {} as Bus,
      pool,
      logger,
      handle: async (tx, event) => {
        await tx.query('insert into effects (ordering_key, seq) values ($1, $2)', [event.orderingKey, event.sequence]);
        await over.handle?.(tx, event);
      },
      handleTogether,
    });
    return { ...base, consumer, batches };
  }
  const waiting = (event: ReturnType<ReturnType<typeof aBooking>['event']>) => {
    const { message, answers } = delivery(event);
    return { waiting: { message, event: parseEvent(message.payload, 'booking') }, answers };
  };

  test('take effect in one transaction, each once and acknowledged after it', async () => {
    const bookings = [aBooking(), aBooking(), aBooking()];
    const { consumer, batches } = together();
    const items = bookings.map((booking) => waiting(booking.event(1)));
    expect((await consumer.applyTogether(items.map((item) => item.waiting))).size).toBe(3);
    expect(items.map(({ answers }) => answers)).toEqual([['ack'], ['ack'], ['ack']]);
    expect(batches).toEqual([3]);
    // The same again: nothing is left to do, and each is known as a duplicate where it is handled alone.
    const again = bookings.map((booking) => waiting(booking.event(1)));
    expect((await consumer.applyTogether(again.map((item) => item.waiting))).size).toBe(0);
    expect(await consumer.deliver(again[0]!.waiting.message)).toBe('duplicate');
    for (const booking of bookings) expect(await effectsOf(booking)).toEqual([1]);
  });

  test('leave out what came too early or before, and what waited behind them follows', async () => {
    const [ready, early] = [aBooking(), aBooking()];
    const { consumer } = together();
    expect(await consumer.deliver(delivery(ready.event(2)).message)).toBe('parked');
    const items = [waiting(ready.event(1)), waiting(early.event(2))];
    const applied = await consumer.applyTogether(items.map((item) => item.waiting));
    expect([...applied]).toEqual([items[0]!.waiting]);
    expect(items[1]!.answers).toEqual([]);
    expect(await effectsOf(ready)).toEqual([1, 2]);
    expect(await effectsOf(early)).toEqual([]);
  });

  test('have no effect when one of them fails, which is then found where each is handled alone', async () => {
    const [good, bad] = [aBooking(), aBooking()];
    const { consumer } = together({
      handle: (_tx, event) =>
        event.orderingKey === bad.id ? Promise.reject(new PermanentMessageError('poison')) : Promise.resolve(),
    });
    const items = [waiting(good.event(1)), waiting(bad.event(1))];
    await expect(consumer.applyTogether(items.map((item) => item.waiting))).rejects.toThrow('poison');
    expect(items.map(({ answers }) => answers)).toEqual([[], []]);
    expect(await effectsOf(good)).toEqual([]);
    expect(await consumer.deliver(items[0]!.waiting.message)).toBe('applied');
    expect(await consumer.deliver(items[1]!.waiting.message)).toBe('dead');
    expect(await effectsOf(good)).toEqual([1]);
    expect(await lettersOf(bad)).toHaveLength(1);
  });

  test('in several replicas at once, in any order, take effect once each and deadlock nobody', async () => {
    const bookings = Array.from({ length: 12 }, aBooking);
    const replicas = [together().consumer, together().consumer, together().consumer];
    await Promise.all(
      replicas.map((consumer, n) => {
        const order = n === 1 ? [...bookings].reverse() : bookings;
        return consumer.applyTogether(order.map((booking) => waiting(booking.event(1)).waiting));
      }),
    );
    for (const booking of bookings) expect(await effectsOf(booking)).toEqual([1]);
  });
});
