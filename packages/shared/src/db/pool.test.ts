import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createLogger } from '../telemetry/logger.ts';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createPool } from './pool.ts';

let database: TestDatabase;
const role = `rotation_${process.pid}`;
async function asAdmin(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
beforeAll(async () => {
  database = await createTestDatabase();
  await asAdmin(`create role ${role} login password 'before'`);
});
afterAll(async () => {
  await asAdmin(`drop role ${role}`);
  await database.drop();
});

test('a password that is being replaced fails nobody: connections that stand go on, a new one waits for it', async () => {
  let password = 'before';
  let reads = 0;
  let readsToConnect = Infinity;
  const pool = createPool({
    connectionString: {
      values: () => {
        const url = new URL(database.adminUrl);
        url.username = role;
        reads += 1;
        // The second connection is refused once: the file has the new password when it is tried again.
        if (reads > 2 * readsToConnect) password = 'after';
        url.password = password;
        return [url.href];
      },
    },
    schema: 'public',
    applicationName: 'rotation',
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  try {
    reads = 0;
    const standing = await pool.connect();
    readsToConnect = reads;
    await asAdmin(`alter role ${role} password 'after'`);
    expect((await standing.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    const next = await pool.connect();
    expect((await next.query('select current_user as me')).rows).toEqual([{ me: role }]);
    next.release();
    standing.release();
  } finally {
    await pool.end();
  }
});

test('who has no right password is told so, by a query too', async () => {
  const url = new URL(database.adminUrl);
  url.username = role;
  url.password = 'neither';
  const logger = createLogger({ service: 'test', level: 'silent' });
  const pool = createPool({ connectionString: url.href, schema: 'public', applicationName: 'rotation', logger });
  try {
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: '28P01' });
  } finally {
    await pool.end();
  }
});
