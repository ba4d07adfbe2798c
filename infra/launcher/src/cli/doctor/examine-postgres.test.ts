import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@holdfast/shared/testing/free-port';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import pg from 'pg';
import { examinePostgres } from './examine-postgres.ts';
import { examineServices } from './examine.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

const run = async (sql: string) => {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};
const find = async (check: string) => (await examinePostgres(database.adminUrl)).find((each) => each.check === check);

describe('doctor', () => {
  test('finds a migrated database as it should be, and a server that does not flush to disk', async () => {
    const findings = await examinePostgres(database.adminUrl);
    const bad = findings.filter(({ status }) => status !== 'ok').map(({ check }) => check);
    // The servers of tests are started so, because they live for one run.
    expect(bad).toEqual(['postgres fsync', 'postgres synchronous_commit', 'postgres full_page_writes']);
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['clock', 'schema booking', 'schema identity']),
    );
    expect(findings.find(({ check }) => check === 'postgres fsync')?.fix).toBe(
      'alter system set fsync = on, and reload',
    );
  });

  test('names migrations that did not run, and those of a newer release', async () => {
    await run(`delete from booking.migrations where name = '0002_bookings'`);
    expect(await find('schema booking')).toMatchObject({ status: 'fail', detail: 'lacks 0002_bookings' });
    await run(`insert into payment.migrations (name, run_on) values ('9999_later', clock.app_now())`);
    expect(await find('schema payment')).toMatchObject({ status: 'warn', detail: 'is of a newer release: 9999_later' });
  });

  test('sees business time that was moved', async () => {
    await database.setClockOffset(60_000);
    expect(await find('business time')).toMatchObject({ status: 'fail', detail: expect.stringContaining('00:01:00') });
    await database.setClockOffset(0);
    expect(await find('business time')).toMatchObject({ status: 'ok' });
  });

  test('names a server or a gateway that does not answer, and no password', async () => {
    const port = await freePort();
    expect(await examinePostgres(`postgres://someone:word@127.0.0.1:${port}/x`)).toEqual([
      expect.objectContaining({
        check: 'postgres',
        status: 'fail',
        detail: expect.stringMatching(/^127.0.0.1:\d+: connect/),
      }),
    ]);
    expect(await examineServices(`http://127.0.0.1:${port}`)).toEqual([
      expect.objectContaining({ check: 'gateway', status: 'fail' }),
    ]);
  });
});
