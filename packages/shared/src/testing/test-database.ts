import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { ServiceSchema } from '../db/bootstrap.ts';
import { testEnvironment } from './test-environment.ts';

export interface TestDatabase {
  readonly name: string;
  /** The superuser's URL to this database. */
  readonly adminUrl: string;
  /** DATABASE_URL of a service's role, or of the role that may move the clock. */
  url(role: ServiceSchema | 'test'): string;
  /** Moves business time to `ms` after (before, when negative) the server's clock. */
  setClockOffset(ms: number): Promise<void>;
  /** Moves business time on by `ms` from where it stands. */
  advanceClock(ms: number): Promise<void>;
  /** Removes the database, cutting the sessions that are left. */
  drop(): Promise<void>;
}

/** A database of its own for one test file: a copy of the migrated template, made in some 30 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const environment = testEnvironment();
  const name = `test_${process.pid}_${randomBytes(5).toString('hex')}`;
  const server = environment.HOLDFAST_TEST_POSTGRES_URL;
  await onServer(server, (client) =>
    client.query(`create database ${name} template ${pg.escapeIdentifier(environment.HOLDFAST_TEST_TEMPLATE)}`),
  );

  const adminUrl = new URL(server);
  adminUrl.pathname = `/${name}`;
  const url = (role: ServiceSchema | 'test') => {
    const result = new URL(adminUrl.href);
    result.username = `holdfast_${role}`;
    result.password = environment.HOLDFAST_TEST_DB_PASSWORD;
    return result.href;
  };
  const shiftClock = (expression: string, ms: number) =>
    onServer(url('test'), (client) => client.query(`update clock.shift set by_interval = ${expression}`, [ms]));
  return {
    name,
    adminUrl: adminUrl.href,
    url,
    setClockOffset: (ms) => shiftClock("$1::double precision * interval '1 millisecond'", ms),
    advanceClock: (ms) => shiftClock("by_interval + $1::double precision * interval '1 millisecond'", ms),
    drop: () => onServer(server, (client) => client.query(`drop database if exists ${name} with (force)`)),
  };
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
