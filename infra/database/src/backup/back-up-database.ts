import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { migrationsOf, tablesOf, withColumns, type TableOfOurs } from './database-objects.ts';
import { MANIFEST_FILE, type BackedUpTable, type Manifest } from './manifest.ts';

export interface BackUpOptions {
  /** An administrator's URL to the database that the services use. */
  readonly databaseUrl: string;
  /** Made by this; must not exist. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Copies every table of all services, as of one moment, while they go on working. The folder appears under its name when it is whole:
 * what was interrupted is called `….partial` and no backup. Passwords of the roles are not in it.
 */
export async function backUpDatabase({ databaseUrl, folder, log }: BackUpOptions): Promise<Manifest> {
  if (existsSync(folder)) throw new Error(`${folder} is there already; a backup never writes over another`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    // One snapshot: inboxes have what outboxes say was received, and money is where the bookings say.
    await client.query('begin isolation level repeatable read, read only');
    await client.query(`set local statement_timeout = 0`);
    await client.query(`set local idle_in_transaction_session_timeout = 0`);
    const manifest = await copyAll(client, partial, log);
    await client.query('commit');
    writeFileSync(join(partial, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(partial, folder);
    return manifest;
  } finally {
    await client.end();
  }
}

async function copyAll(client: pg.Client, folder: string, log: (line: string) => void): Promise<Manifest> {
  const { rows } = await client.query<{ taken_at: Date; version: string }>(
    `select clock.app_now() as taken_at, current_setting('server_version') as version`,
  );
  const tables: BackedUpTable[] = [];
  for (const table of await tablesOf(client)) {
    const copied = await copyTable(client, table, folder);
    log(`${copied.rows} rows of ${table.schema}.${table.table}`);
    tables.push(copied);
  }
  if (tables.length === 0) throw new Error('this database has no tables of Holdfast');
  // Sequences stand outside of snapshots, and only rise: read last, each is beyond every row above.
  const { rows: sequences } = await client.query<Manifest['sequences'][number]>(
    `select schemaname as schema, sequencename as sequence, coalesce(last_value, start_value)::text as value,
            last_value is not null as called
       from pg_sequences where schemaname = any ($1)
        and sequencename not like '%migrations%'
      order by 1, 2`,
    [SERVICE_SCHEMAS],
  );
  const migrations: Manifest['migrations'] = {};
  for (const schema of SERVICE_SCHEMAS) migrations[schema] = await migrationsOf(client, schema);
  return {
    format: 1,
    taken_at: rows[0]!.taken_at.toISOString(),
    server_version: rows[0]!.version,
    migrations,
    tables,
    sequences,
  };
}

async function copyTable(client: pg.Client, table: TableOfOurs, folder: string): Promise<BackedUpTable> {
  const file = `${table.schema}.${table.table}.copy.gz`;
  const source = client.query(copyTo(`copy ${withColumns(table)} to stdout`));
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const target = createWriteStream(join(folder, file), { mode: 0o600, flush: true });
  await pipeline(source, createGzip({ level: 3 }), hashing, target);
  return { ...table, columns: [...table.columns], rows: source.rowCount, file, sha256: hash.digest('hex') };
}
