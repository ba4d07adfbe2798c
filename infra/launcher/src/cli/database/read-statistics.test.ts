import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@holdfast/shared/testing/free-port';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { until } from '@holdfast/shared/testing/until';
import pg from 'pg';
import { adviceFor } from './advice-rules.ts';
import type { DatabaseStatistics } from './read-statistics.ts';
import { reportOn, statisticsOf } from './show-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url('booking') });
  await client.connect();
  await client.query('set search_path = booking, public');
  await client.query(`insert into holders (user_id) select 'usr_' || n from generate_series(1, 20000) n`);
  await client.query('create table much (id integer primary key, note text)');
  await client.query(`insert into much select n, repeat('x', 100) from generate_series(1, 12000) n`);
  await client.query('create index much_by_note on much (note)');
  await client.query('delete from much where id % 2 = 0');
  await client.query('select count(*) as a_statement_to_find from holders');
  await client.end();
});
afterAll(() => database?.drop());

/** A session hands in its counts at its end, which comes a moment after the client's. */
const counted = (isThere: (found: DatabaseStatistics) => boolean) =>
  until('the counts of the session', async () => {
    const found = await statisticsOf(database.adminUrl);
    return isThere(found) ? found : null;
  });

describe('the statistics of a database', () => {
  test('tell what tables have grown to, what is left over in them, and how they are read', async () => {
    const found = await counted(({ tables }) =>
      tables.some(({ table, inserted }) => table === 'booking.much' && inserted > 0),
    );
    expect(found.tables.find(({ table }) => table === 'booking.much')).toMatchObject({
      ...{ live_rows: 6_000, dead_rows: 6_000, inserted: 12_000, deleted: 6_000 },
      bytes: expect.any(Number),
    });
    expect(found.tables.find(({ table }) => table === 'booking.holders')).toMatchObject({
      ...{ live_rows: 20_000, whole_scans: 1, rows_by_whole_scans: 20_000 },
    });
    const sizes = found.tables.map(({ bytes }) => bytes);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(found.hit_ratio).toBeGreaterThan(0);
  });

  test('name indexes that nothing read, and none that guards something', async () => {
    const { unused_indexes: unused } = await statisticsOf(database.adminUrl);
    const names = unused.map(({ index }) => index);
    expect(names).toContain('much_by_note');
    expect(names).not.toContain('much_pkey');
    expect(names).not.toContain('seat_claims_one_live');
    expect(names).not.toContain('slot_claims_never_overlap');
  });

  test('tell what each statement of the services costs, without its values', async () => {
    const client = new pg.Client({ connectionString: database.url('booking') });
    await client.connect();
    // A server that counts the statements of a whole test run forgets those that came once.
    const found = await until('the statement among those that are counted', async () => {
      await client.query('select count(*) as a_statement_to_find from booking.holders where user_id <> $1', ['12000']);
      const { statements } = await statisticsOf(database.adminUrl);
      return statements?.some(({ text }) => text.includes('a_statement_to_find')) ? statements : null;
    });
    await client.end();
    const statement = found.find(({ text }) => text.includes('a_statement_to_find'))!;
    expect(statement).toMatchObject({ role: 'holdfast_booking', rows: statement.calls });
    expect(found.map(({ text }) => text).join()).not.toContain('12000');
  });

  test('become a page for people and one object for programs', async () => {
    const report = reportOn(await statisticsOf(database.adminUrl));
    const text = stripVTControlCharacters(report.lines.join('\n'));
    expect(text).toContain('booking.much');
    expect(text).toContain('much_by_note');
    expect(JSON.parse(JSON.stringify(report.json))).toMatchObject({
      database: database.name,
      advice: expect.any(Array),
    });
  });

  test('of a server that does not answer: its address, and no password', async () => {
    const port = await freePort();
    const asked = statisticsOf(`postgres://someone:word@127.0.0.1:${port}/x`);
    await expect(asked).rejects.toThrow(`PostgreSQL at 127.0.0.1:${port}`);
    await expect(asked).rejects.not.toThrow('word');
  });
});

describe('advice', () => {
  const healthy: DatabaseStatistics = {
    ...{ database: 'holdfast', bytes: 1e9, counted_since: null, hit_ratio: 0.99, deadlocks: 0 },
    ...{ oldest_transaction_s: 0.1, waiting_for_locks: 0, statements: [], unused_indexes: [] },
    tables: [
      {
        ...{ table: 'booking.bookings', bytes: 5e8, index_bytes: 2e8, live_rows: 1e6, dead_rows: 1e4 },
        ...{
          inserted: 1e6,
          deleted: 0,
          whole_scans: 24,
          rows_by_whole_scans: 24e6,
          hit_ratio: 0.99,
          last_vacuum: null,
        },
      },
    ],
  };
  const [bookings] = healthy.tables;
  test.each<[string, Partial<DatabaseStatistics>, RegExp[]]>([
    ['nothing when all is well', {}, []],
    ['to count statements', { statements: null }, [/^statements: .*pg_stat_statements/]],
    ['more memory', { hit_ratio: 0.8 }, [/^memory: .*shared_buffers/]],
    ['vacuum', { tables: [{ ...bookings!, dead_rows: 5e5 }] }, [/^booking.bookings: .*vacuum/]],
    ['an index', { tables: [{ ...bookings!, rows_by_whole_scans: 2e8 }] }, [/^booking.bookings: .*without an index/]],
    ['to end a transaction', { oldest_transaction_s: 3_600 }, [/^transactions: .*3600 s/]],
    [
      'to watch a large index that nothing reads, and no small one',
      {
        unused_indexes: [
          { index: 'large', table: 't', bytes: 1e8 },
          { index: 'small', table: 't', bytes: 8_192 },
        ],
      },
      [/^large: /],
    ],
  ])('is %s', (_, found, expected) => {
    const advice = adviceFor({ ...healthy, ...found });
    expect(advice).toEqual(expected.map((each) => expect.stringMatching(each)));
  });
});
