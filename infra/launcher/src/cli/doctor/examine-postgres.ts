import { readdirSync } from 'node:fs';
import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { migrationSets } from '@holdfast/shared/db/migrate';
import pg from 'pg';
import { fail, ok, reasonOf, warn, type Finding } from './finding.ts';

/** Without them what was acknowledged may be lost with the power. */
const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'] as const;
const MIN_VERSION = 180_000;
const MAX_SKEW_SECONDS = 2;
/** Four services with up to 16 connections each, twice during a rollout. */
const MIN_CONNECTIONS = 100;

const PREPARE = 'run infra/database/src/main.ts of this release (infra/rollout and npm start do it)';

/** Looks at the server and the database behind an administrator's URL. Reads only. */
export async function examinePostgres(url: string): Promise<Finding[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    const at = new URL(url).host;
    return [fail('postgres', `${at}: ${reasonOf(error)}`, 'start PostgreSQL, or correct HOLDFAST_POSTGRES_ADMIN_URL')];
  }
  try {
    return [...(await settings(client)), ...(await clocks(client)), ...(await migrations(client))];
  } finally {
    await client.end();
  }
}

async function settings(client: pg.Client): Promise<Finding[]> {
  const names = [...DURABLE, 'server_version_num', 'server_version', 'max_connections'];
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [names],
  );
  const of = new Map(rows.map(({ name, setting }) => [name, setting]));
  const version = of.get('server_version') ?? 'unknown';
  const connections = Number(of.get('max_connections'));
  return [
    Number(of.get('server_version_num')) >= MIN_VERSION
      ? ok('postgres', `version ${version}`)
      : fail('postgres', `version ${version}`, 'move to PostgreSQL 18 or newer'),
    ...DURABLE.map((name) => {
      const setting = of.get(name) ?? 'unknown';
      return setting === 'off'
        ? fail(
            `postgres ${name}`,
            'off: what was acknowledged may be lost',
            `alter system set ${name} = on, and reload`,
          )
        : ok(`postgres ${name}`, setting);
    }),
    connections >= MIN_CONNECTIONS
      ? ok('postgres max_connections', String(connections))
      : warn(
          'postgres max_connections',
          String(connections),
          `alter system set max_connections = ${2 * MIN_CONNECTIONS}, and restart PostgreSQL`,
        ),
  ];
}

async function clocks(client: pg.Client): Promise<Finding[]> {
  const asked = Date.now();
  const { rows } = await client.query<{ at: number }>(
    // The server's own time, whatever business time is.
    `select extract(epoch from query_start)::float8 as at from pg_stat_activity where pid = pg_backend_pid()`,
  );
  // Half of the way there and back may lie between the two clocks.
  const skew = rows[0]!.at - (asked + Date.now()) / 2000;
  const told = `PostgreSQL's clock is ${Math.abs(skew).toFixed(2)} s ${skew < 0 ? 'behind' : 'ahead of'} this machine's`;
  const found = await client
    .query<{ shift: string }>(`select by_interval::text as shift from clock.shift where by_interval <> '0'`)
    .catch(() => null);
  const shift = found?.rows[0]?.shift;
  return [
    Math.abs(skew) <= MAX_SKEW_SECONDS
      ? ok('clock', told)
      : fail('clock', told, 'let both machines follow a time server'),
    shift === undefined
      ? ok('business time', 'is the server’s')
      : fail(
          'business time',
          `moved by ${shift}: holds run out at other times than clients see`,
          `update clock.shift set by_interval = '0' (nothing but a test moves it)`,
        ),
  ];
}

async function migrations(client: pg.Client): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const schema of SERVICE_SCHEMAS) findings.push(await migrationsOf(client, schema));
  return findings;
}

async function migrationsOf(client: pg.Client, schema: (typeof SERVICE_SCHEMAS)[number]): Promise<Finding> {
  const check = `schema ${schema}`;
  const missing: string[] = [];
  const unknown: string[] = [];
  let count = 0;
  for (const { dir, table } of migrationSets(schema)) {
    const wanted = readdirSync(dir)
      .filter((file) => file.endsWith('.sql'))
      .map((file) => file.slice(0, -'.sql'.length));
    let ran: string[];
    try {
      const { rows } = await client.query<{ name: string }>(`select name from ${schema}.${table}`);
      ran = rows.map(({ name }) => name);
    } catch (error) {
      return fail(check, reasonOf(error), PREPARE);
    }
    count += ran.length;
    missing.push(...wanted.filter((name) => !ran.includes(name)));
    unknown.push(...ran.filter((name) => !wanted.includes(name)));
  }
  if (missing.length > 0) return fail(check, `lacks ${missing.sort(byName).join(', ')}`, PREPARE);
  if (unknown.length > 0) {
    const newer = `is of a newer release: ${unknown.sort(byName).join(', ')}`;
    return warn(check, newer, 'nothing, if you went back on purpose; otherwise start the newer release');
  }
  return ok(check, `${count} migrations`);
}

const byName = (a: string, b: string) => a.localeCompare(b);
