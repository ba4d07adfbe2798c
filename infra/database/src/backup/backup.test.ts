import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SERVICE_SCHEMAS, type ServiceSchema } from '@holdfast/shared/db/bootstrap';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import pg from 'pg';
import { backUpDatabase } from './back-up-database.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { restoreDatabase } from './restore-database.ts';

const environment = testEnvironment();
const quiet = () => undefined;

let database: TestDatabase;
let root: string;
let folder: string;
let manifest: Manifest;
const restored = `test_${process.pid}_restored`;

const run = async (url: string, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};

const restore = (from: string, name = restored) =>
  restoreDatabase({
    adminUrl: environment.HOLDFAST_TEST_POSTGRES_URL,
    database: name,
    // The roles are those of all other tests.
    passwords: Object.fromEntries(
      SERVICE_SCHEMAS.map((schema) => [schema, environment.HOLDFAST_TEST_DB_PASSWORD]),
    ) as Record<ServiceSchema, string>,
    folder: from,
    log: quiet,
  });

const urlOf = (name: string) => {
  const url = new URL(environment.HOLDFAST_TEST_POSTGRES_URL);
  url.pathname = `/${name}`;
  return url.href;
};

/** A copy of the backup with one change. */
function changed(name: string, change: (copy: string) => void): string {
  const copy = join(root, name);
  mkdirSync(copy);
  for (const file of ['manifest.json', ...manifest.tables.map((table) => table.file)]) {
    writeFileSync(join(copy, file), readFileSync(join(folder, file)));
  }
  change(copy);
  return copy;
}

/** As SQL writes it: what a text format could stumble over. */
const AWKWARD = String.raw`tab\tnew\nline, "quotes", back\\slash, \\N, ünïcode 席`;

beforeAll(async () => {
  database = await createTestDatabase();
  root = mkdtempSync(join(environment.HOLDFAST_TEST_DIR, 'backups-'));
  folder = join(root, 'whole');
  await run(
    database.adminUrl,
    `set search_path to booking, public;
     insert into venues (id, name, time_zone, currency)
     select 'ven_' || n, e'${AWKWARD}', 'Europe/Paris', 'EUR' from generate_series(1, 3) n`,
  );
  await run(database.adminUrl, `select nextval('payment.ledger_entries_id_seq') from generate_series(1, 7)`);
  manifest = await backUpDatabase({ databaseUrl: database.adminUrl, folder, log: quiet });
});
afterAll(async () => {
  await database?.drop();
  await run(environment.HOLDFAST_TEST_POSTGRES_URL, `drop database if exists ${restored} with (force)`);
  rmSync(root, { recursive: true, force: true });
});

describe('a backup', () => {
  test('has every table of every service', () => {
    const tables = manifest.tables.map(({ schema, table }) => `${schema}.${table}`);
    expect(tables).toEqual(expect.arrayContaining(['booking.bookings', 'payment.payments', 'identity.users']));
    expect(new Set(manifest.tables.map(({ schema }) => schema))).toEqual(new Set(SERVICE_SCHEMAS));
    expect(readManifest(folder)).toEqual(manifest);
  });

  test('never writes over another, and one that breaks off is none', async () => {
    await expect(backUpDatabase({ databaseUrl: database.adminUrl, folder, log: quiet })).rejects.toThrow(/already/);
    const broken = join(root, 'broken');
    const breaks = backUpDatabase({
      databaseUrl: database.adminUrl,
      folder: broken,
      log: () => {
        throw new Error('the disk is full');
      },
    });
    await expect(breaks).rejects.toThrow('the disk is full');
    expect(existsSync(broken)).toBe(false);
    expect(() => readManifest(`${broken}.partial`)).toThrow(/no backup/);
  });
});

describe('a restore', () => {
  test('refuses a file that was changed, before it makes anything', async () => {
    const damaged = changed('damaged', (copy) => appendFileSync(join(copy, manifest.tables[0]!.file), 'x'));
    await expect(restore(damaged)).rejects.toThrow(/its sum differs/);
    expect(
      await run(environment.HOLDFAST_TEST_POSTGRES_URL, `select from pg_database where datname = '${restored}'`),
    ).toEqual([]);
  });

  test('refuses a backup of a release with other migrations, and leaves no schema behind', async () => {
    const other = changed('other', (copy) => {
      const edited = structuredClone(manifest);
      edited.migrations['booking']!['migrations']![0] = '0001_of_another_release';
      writeFileSync(join(copy, 'manifest.json'), JSON.stringify(edited));
    });
    await expect(restore(other)).rejects.toThrow(/other migrations of booking/);
    expect(
      await run(
        urlOf(restored),
        `select nspname from pg_namespace where nspname = any ('{${SERVICE_SCHEMAS.join(',')}}')`,
      ),
    ).toEqual([]);
  });

  test('refuses a database that is in use', async () => {
    await expect(restore(folder, database.name)).rejects.toThrow(/replaces nothing/);
  });

  test('brings back every row, and numbers go on where they were', async () => {
    await restore(folder);
    for (const { schema, table, columns } of manifest.tables) {
      const sql = `select coalesce(jsonb_agg(row order by row::text), '[]') as rows
                     from (select to_jsonb(t) as row from (select ${columns.map((c) => `"${c}"`).join(', ')} from ${schema}.${table}) t) r`;
      expect([table, await run(urlOf(restored), sql)]).toEqual([table, await run(database.adminUrl, sql)]);
    }
    const sequences = `select schemaname, sequencename, last_value from pg_sequences where sequencename not like '%migrations%' order by 1, 2`;
    expect(await run(urlOf(restored), sequences)).toEqual(await run(database.adminUrl, sequences));
  }, 90_000);
});
