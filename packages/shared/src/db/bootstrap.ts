import pg from 'pg';

export const SERVICE_SCHEMAS = ['identity', 'booking', 'payment', 'notification'] as const;
export type ServiceSchema = (typeof SERVICE_SCHEMAS)[number];

export interface BootstrapOptions {
  /** A superuser's URL to any database of the server. */
  readonly adminUrl: string;
  /** The database to create when absent. */
  readonly database: string;
  /** A password per service role; `test` also creates the role that may move the clock. */
  readonly passwords: Record<ServiceSchema, string> & { test?: string };
}

/** DATABASE_URL of each service (and of the test role) for the bootstrapped database. */
export type ServiceUrls = Record<ServiceSchema, string> & { test?: string };

const quote = (text: string) => pg.escapeLiteral(text);
const role = (name: ServiceSchema | 'test') => `holdfast_${name}`;

/**
 * What only a database administrator can do, and what is safe to run again: a role for each service that owns its one schema and
 * cannot read the others', the btree_gist extension, and the business clock. Tables come from the services' own migrations.
 */
export async function bootstrapDatabase(options: BootstrapOptions): Promise<ServiceUrls> {
  const server = new pg.Client({ connectionString: options.adminUrl });
  await server.connect();
  try {
    // Two at once would fail each other: a role that is being altered cannot be altered.
    await server.query("select pg_advisory_lock(hashtext('holdfast bootstrap'))");
    for (const name of [...SERVICE_SCHEMAS, 'test'] as const) {
      const password = options.passwords[name];
      if (password === undefined) continue;
      const exists = await server.query('select 1 from pg_roles where rolname = $1', [role(name)]);
      const verb = exists.rowCount === 0 ? 'create' : 'alter';
      await server.query(`${verb} role ${role(name)} login password ${quote(password)}`);
    }
    const found = await server.query('select 1 from pg_database where datname = $1', [options.database]);
    if (found.rowCount === 0) {
      await server.query(`create database ${pg.escapeIdentifier(options.database)} encoding 'UTF8' template template0`);
    }
  } finally {
    await server.end();
  }

  const target = new URL(options.adminUrl);
  target.pathname = `/${options.database}`;
  const client = new pg.Client({ connectionString: target.href });
  await client.connect();
  try {
    // Two launchers may bootstrap one server at the same moment.
    await client.query("select pg_advisory_lock(hashtext('holdfast bootstrap'))");
    await client.query(CLOCK_SQL);
    await client.query('create extension if not exists btree_gist with schema public');
    await client.query('create extension if not exists pg_trgm with schema public');
    // Counts what each statement costs, where the server loads it; nothing of ours depends on it.
    const { rows } = await client.query<{ loaded: boolean }>(
      "select current_setting('shared_preload_libraries') like '%pg_stat_statements%' as loaded",
    );
    if (rows[0]?.loaded) await client.query('create extension if not exists pg_stat_statements with schema public');
    await client.query('revoke create on schema public from public');
    for (const schema of SERVICE_SCHEMAS) {
      await client.query(`create schema if not exists ${schema} authorization ${role(schema)}`);
      await client.query(`grant usage on schema clock to ${role(schema)}`);
      await client.query(`grant select on clock.shift to ${role(schema)}`);
    }
    if (options.passwords.test !== undefined) {
      await client.query(`grant usage on schema clock to ${role('test')}`);
      await client.query(`grant select, update on clock.shift to ${role('test')}`);
    }
  } finally {
    await client.end();
  }

  const url = (name: ServiceSchema | 'test', password: string) => {
    const result = new URL(target.href);
    result.username = role(name);
    result.password = password;
    return result.href;
  };
  const urls = Object.fromEntries(SERVICE_SCHEMAS.map((name) => [name, url(name, options.passwords[name])]));
  return {
    ...(urls as Record<ServiceSchema, string>),
    ...(options.passwords.test === undefined ? {} : { test: url('test', options.passwords.test) }),
  };
}

/**
 * Business time is `clock.app_now()`: the database's clock plus a shift that only the test role may set, so that a test moves time
 * instead of sleeping. `stable` lets one statement see one value.
 */
const CLOCK_SQL = `
create schema if not exists clock;
create table if not exists clock.shift (
  only_row boolean primary key default true check (only_row),
  by_interval interval not null default '0'
);
insert into clock.shift default values on conflict do nothing;
create or replace function clock.app_now() returns timestamptz
  language sql stable
  as $$ select statement_timestamp() + by_interval from clock.shift $$;
grant execute on function clock.app_now() to public;
`;
