import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '../db/pool.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { pruneOldRows } from './prune-old-rows.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url('payment'),
    schema: 'payment',
    applicationName: 'test',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
});
beforeEach(async () => {
  await database.setClockOffset(0);
  await pool.query('truncate outbox, inbox, inbox_attempts, idempotency_keys');
  await pool.query(
    `insert into outbox (id, subject, ordering_key, family, seq, payload, published_at, confirmed_at) values
            ('delivered', 's', 'a', 'payment', 1, '{}', clock.app_now(), clock.app_now()),
            ('on its way', 's', 'a', 'payment', 2, '{}', clock.app_now(), null),
            ('to be sent', 's', 'a', 'payment', 3, '{}', null, null)`,
  );
  await pool.query(`insert into inbox (consumer, event_id) values ('payment-checkout', 'seen')`);
  await pool.query(`insert into inbox_attempts (consumer, event_id) values ('payment-checkout', 'tried')`);
  await pool.query(
    `insert into idempotency_keys (user_id, key, fingerprint, status, body) values ('usr_1', 'key', 'f', 201, '{}')`,
  );
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

async function left(): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select id as row from outbox
     union all select event_id from inbox
     union all select event_id from inbox_attempts
     union all select key from idempotency_keys
     order by row`,
  );
  return rows.map(({ row }) => row);
}

describe('old rows', () => {
  test('stay for thirty days', async () => {
    await database.setClockOffset(30 * DAY_MS - 60_000);
    expect(await pruneOldRows(pool)).toEqual({ removed: 0, more: false });
  });

  test('go after that, but for an event that some consumer lacks, and what consumers know stays longer', async () => {
    await database.setClockOffset(30 * DAY_MS + 1_000);
    expect(await pruneOldRows(pool)).toEqual({ removed: 2, more: false });
    expect(await left()).toEqual(['on its way', 'seen', 'to be sent', 'tried']);
    await database.setClockOffset(38 * DAY_MS + 1_000);
    expect(await pruneOldRows(pool)).toEqual({ removed: 2, more: false });
    expect(await left()).toEqual(['on its way', 'to be sent']);
  });

  test('go a bounded number at a time', async () => {
    await pool.query(
      `insert into inbox (consumer, event_id, received_at)
       select 'payment-checkout', n::text, clock.app_now() - interval '39 days' from generate_series(1, 5500) n`,
    );
    expect(await pruneOldRows(pool)).toEqual({ removed: 5_000, more: true });
    expect(await pruneOldRows(pool)).toEqual({ removed: 500, more: false });
  });
});
