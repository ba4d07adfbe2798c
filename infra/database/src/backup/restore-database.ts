import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import { createGunzip } from 'node:zlib';
import {
  bootstrapDatabase,
  SERVICE_SCHEMAS,
  type ServiceSchema,
  type ServiceUrls,
} from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { migrationsOf, qualified, tablesOf, withColumns } from './database-objects.ts';
import { readManifest, type BackedUpTable, type Manifest } from './manifest.ts';

export interface RestoreOptions {
  /** A superuser's URL to any database of the server. */
  readonly adminUrl: string;
  /** Made by this; must not exist, or be empty of our schemas. */
  readonly database: string;
  readonly passwords: Readonly<Record<ServiceSchema, string>>;
  /** Of a backup. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * Puts a backup into a new database and brings that to the newest schema. The services must not run. All rows come in with one
 * transaction; when anything fails, what was made is removed again.
 * @throws when the backup is damaged or of a release with other migrations, or the database is in use.
 */
export async function restoreDatabase(options: RestoreOptions): Promise<Manifest> {
  const { adminUrl, database, passwords, folder, log } = options;
  const manifest = readManifest(folder);
  for (const table of manifest.tables) await verifyFile(folder, table);
  log(`${manifest.tables.length} files are as they were written on ${manifest.taken_at}`);
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  await refuseUsed(adminUrl, database, url.href);
  try {
    const urls = await bootstrapDatabase({ adminUrl, database, passwords });
    await migrateTo(manifest, urls);
    await withClient(url.href, (client) => loadAll(client, manifest, folder, log));
    for (const service of SERVICE_SCHEMAS) await migrateService({ databaseUrl: urls[service], service, log });
  } catch (error) {
    await withClient(url.href, (client) =>
      client.query(`drop schema if exists ${SERVICE_SCHEMAS.join(', ')} cascade`),
    ).catch(() => undefined);
    throw error;
  }
  return manifest;
}

async function verifyFile(folder: string, { file, sha256 }: BackedUpTable): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, file)), hash);
  if (hash.digest('hex') !== sha256) throw new Error(`${folder}/${file} is not what was written: its sum differs`);
}

async function refuseUsed(adminUrl: string, database: string, url: string): Promise<void> {
  const exists = await withClient(adminUrl, async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [database]);
    return found.rowCount !== 0;
  });
  if (!exists) return;
  const { rowCount } = await withClient(url, (client) =>
    client.query('select from pg_namespace where nspname = any ($1)', [SERVICE_SCHEMAS]),
  );
  if (rowCount !== 0) {
    throw new Error(
      `the database ${database} has schemas of Holdfast: a backup goes into a new one and replaces nothing`,
    );
  }
}

async function migrateTo(manifest: Manifest, urls: ServiceUrls): Promise<void> {
  for (const service of SERVICE_SCHEMAS) {
    const wanted = manifest.migrations[service] ?? {};
    await migrateService({ databaseUrl: urls[service], service, upTo: wanted });
    const ran = await withClient(urls[service], (client) => migrationsOf(client, service));
    if (!isDeepStrictEqual(ran, wanted)) {
      throw new Error(
        `the backup was made with other migrations of ${service}: restore it with that release, then upgrade`,
      );
    }
  }
}

async function loadAll(
  client: pg.Client,
  manifest: Manifest,
  folder: string,
  log: (line: string) => void,
): Promise<void> {
  const known = (await tablesOf(client)).map(({ schema, table }) => `${schema}.${table}`);
  const lacking = known.filter((name) => !manifest.tables.some(({ schema, table }) => name === `${schema}.${table}`));
  if (lacking.length > 0) throw new Error(`the backup lacks ${lacking.join(', ')}`);
  await client.query('begin');
  // Rows come in the order of their tables' names, and as they were: no trigger, no foreign key looks at them again.
  await client.query('set local session_replication_role = replica');
  await client.query(`truncate ${manifest.tables.map(({ schema, table }) => qualified(schema, table)).join(', ')}`);
  for (const table of manifest.tables) {
    // What a generated column calls is found as its service finds it.
    await client.query(`set local search_path to ${pg.escapeIdentifier(table.schema)}, public`);
    const target = client.query(copyFrom(`copy ${withColumns(table)} from stdin`));
    await pipeline(createReadStream(join(folder, table.file)), createGunzip(), target);
    if (target.rowCount !== table.rows) {
      throw new Error(`${table.schema}.${table.table}: ${target.rowCount} rows came of ${table.rows}`);
    }
    log(`${table.rows} rows into ${table.schema}.${table.table}`);
  }
  for (const { schema, sequence, value, called } of manifest.sequences) {
    await client.query('select setval($1::regclass, $2::bigint, $3)', [qualified(schema, sequence), value, called]);
  }
  await client.query('commit');
  await client.query('analyze');
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
