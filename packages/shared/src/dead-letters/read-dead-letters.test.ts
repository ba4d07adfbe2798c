import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { deadLetter as letterSchema, deadLetterGroup, deadLetterInFull } from '../contracts/dead-letters.ts';
import { createPool, type Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { newId } from '../ids.ts';
import { deadLetter } from '../inbox/dead-letters.ts';
import { parkMessage } from '../inbox/inbox-store.ts';
import { parseEvent } from '../inbox/incoming-event.ts';
import { toOutboxRows } from '../outbox/outbox.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { groupDeadLetters, listDeadLetters, readDeadLetter } from './read-dead-letters.ts';

const CONSUMER = 'notification-booking';
const SERVICE = 'notification';
let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  const logger = createLogger({ service: 'test', level: 'silent' });
  pool = createPool({ connectionString: database.url(SERVICE), schema: SERVICE, applicationName: 'test', logger });
});
beforeEach(() => pool.query('truncate dead_letters, dead_letter_acts, dead_letter_replay_items, inbox_parked'));
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

function anEvent(name: string, { booking = newId('bkg'), seq = 1 } = {}) {
  const event = { family: 'booking', name, orderingKey: booking, seq, data: {}, cause: newId('req'), at: new Date() };
  const { subjects, payloads } = toOutboxRows('/booking', [{ ...event, family: 'booking' }]);
  return { subject: subjects[0]!, payload: payloads[0]!, event: parseEvent(payloads[0]!, 'booking') };
}

async function dies(message: Pick<ReturnType<typeof anEvent>, 'subject' | 'payload'>, cause: string, error: string) {
  const event = cause === 'malformed' ? null : parseEvent(message.payload, 'booking');
  const letter = { consumer: CONSUMER, service: SERVICE, attempts: 10, ...message, event, cause, error };
  await withTransaction(pool, (tx) => deadLetter(tx, letter));
}

const list = (query: object = {}) => listDeadLetters(pool, SERVICE, { limit: 20, ...query });

test('pages are newest first, each letter once, also when others come in between', async () => {
  for (const error of ['1', '2', '3']) await dies(anEvent('confirmed'), 'permanent', error);
  const first = await list({ limit: 2 });
  expect(first.data.map(({ error }) => error)).toEqual(['3', '2']);
  expect(first.has_more).toBe(true);
  await dies(anEvent('confirmed'), 'permanent', '4');
  const second = await list({ limit: 2, cursor: first.next_cursor });
  expect(second).toMatchObject({ data: [{ error: '1' }], has_more: false, next_cursor: null });
});

test('filters by type, cause and state', async () => {
  await dies(anEvent('confirmed'), 'permanent', 'no template');
  await dies(anEvent('cancelled'), 'attempts_exhausted', 'timed out');
  const errors = async (query: object) => (await list(query)).data.map(({ error }) => error);
  expect(await errors({ type: 'holdfast.booking.confirmed.v1' })).toEqual(['no template']);
  expect(await errors({ cause: 'attempts_exhausted' })).toEqual(['timed out']);
  expect(await errors({ cause: 'permanent', type: 'holdfast.booking.cancelled.v1' })).toEqual([]);
  expect(await errors({ state: 'DISCARDED' })).toEqual([]);
  expect(await errors({ state: 'OPEN' })).toEqual(['timed out', 'no template']);
});

test.each([
  ['no JSON', '{"type":'],
  ['JSON with an escaped NUL', '{"type":"\\u0000","data":"\\u0000"}'],
  ['a raw NUL', 'a\0b'],
  ['nothing', ''],
])('a letter whose payload is %s is shown, with what is known of it', async (_, payload) => {
  await dies(anEvent('confirmed'), 'permanent', 'the other');
  await dies({ subject: 'booking.01.confirmed', payload }, 'malformed', 'cannot be read');
  const { data } = await list();
  expect(data.map((letter) => letterSchema.strict().parse(letter).error)).toEqual(['cannot be read', 'the other']);
  expect(data[0]).toMatchObject({ type: null, ordering_key: null, sequence: null });
  const types = new Set((await groupDeadLetters(pool, SERVICE)).map(({ type }) => type));
  expect(types).toEqual(new Set(['holdfast.booking.confirmed.v1', null]));
});

test('one is shown with its payload to the letter, and counts the later events that wait for it alone', async () => {
  const booking = newId('bkg');
  const given = anEvent('confirmed', { booking, seq: 2 });
  await dies(given, 'permanent', 'no template');
  await withTransaction(pool, async (tx) => {
    for (const later of [anEvent('cancelled', { booking, seq: 3 }), anEvent('cancelled', { seq: 3 })]) {
      await parkMessage(tx, CONSUMER, later.event, later.subject, later.payload);
    }
  });
  const { id } = (await list()).data[0]!;
  const letter = await readDeadLetter(pool, SERVICE, id);
  expect(deadLetterInFull.strict().parse(letter)).toMatchObject({
    ...{ id, service: SERVICE, consumer: CONSUMER, state: 'OPEN', attempts: 10, waiting: 1 },
    ...{ subject: given.subject, payload: given.payload, ordering_key: booking, sequence: 2, event_id: given.event.id },
  });
});

test.each([newId('dlq'), newId('bkg'), 'nonsense', "'; drop table dead_letters"])('%s is not found', async (id) => {
  await expect(readDeadLetter(pool, SERVICE, id)).rejects.toMatchObject({ code: 'not_found' });
});

test('groups are of open letters by consumer, type and cause, the largest first, with the latest error', async () => {
  await dies(anEvent('cancelled'), 'permanent', 'only');
  for (const error of ['first', 'latest']) await dies(anEvent('confirmed'), 'permanent', error);
  await dies(anEvent('confirmed'), 'permanent', 'gone');
  await pool.query(`update dead_letters set state = 'DISCARDED' where error = 'gone'`);
  const groups = await groupDeadLetters(pool, SERVICE);
  expect(groups.map((group) => deadLetterGroup.strict().parse(group))).toMatchObject([
    { type: 'holdfast.booking.confirmed.v1', cause: 'permanent', count: 2, error: 'latest' },
    { type: 'holdfast.booking.cancelled.v1', cause: 'permanent', count: 1, error: 'only' },
  ]);
});
