import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from './test-database.ts';
import { startTestNats } from './test-nats.ts';
import { startTestRedis } from './test-redis.ts';

describe('a test database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  async function as<T>(role: 'identity' | 'booking' | 'test', sql: string): Promise<T | undefined> {
    const client = new pg.Client({ connectionString: database.url(role) });
    await client.connect();
    try {
      return (await client.query<{ value: T }>(sql)).rows[0]?.value;
    } finally {
      await client.end();
    }
  }

  test('runs business time at the shift that the test sets, and leaves the server clock alone', async () => {
    await database.setClockOffset(86_400_000);
    await database.advanceClock(3_600_000);
    expect(await as('booking', 'select extract(epoch from clock.app_now() - now())::int as value')).toBe(90_000);
    await database.setClockOffset(0);
    expect(await as('booking', 'select extract(epoch from clock.app_now() - now())::int as value')).toBe(0);
  });

  test('lets no service move the clock', async () => {
    await expect(as('booking', "update clock.shift set by_interval = '1 day' returning 1 as value")).rejects.toThrow(
      /permission denied/,
    );
  });

  test('lets no service look into the schema of another', async () => {
    await expect(as('identity', 'select count(*) as value from booking.outbox')).rejects.toThrow(/permission denied/);
  });
});

test('a test NATS keeps its port and its streams over a crash, and loses the streams when wiped', async () => {
  const nats = await startTestNats();
  try {
    await nats.restart();
    await nats.restart({ wipe: true });
    const connection = await connect({ servers: nats.url });
    expect(connection.info?.jetstream).toBe(true);
    await connection.close();
  } finally {
    await nats.stop();
  }
  expect(nats.process().isRunning()).toBe(false);
});

test('a test Redis comes back on its port', async () => {
  const redis = await startTestRedis();
  const first = redis.process().pid;
  await redis.restart();
  expect(redis.process().pid).not.toBe(first);
  await redis.stop();
});
