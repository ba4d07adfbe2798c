import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { freePort } from '@holdfast/shared/testing/free-port';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import pg from 'pg';
import { loadConfig, type Config } from './config.ts';
import { prepareDatabase } from './prepare-database.ts';

const environment = testEnvironment();
const made: string[] = [];

const rows = async (url: string, sql: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
};

/** The configuration for a database that is not there yet. */
function setup(): { config: Config; env: Record<string, string> } {
  const name = `test_${process.pid}_${randomBytes(5).toString('hex')}`;
  made.push(name);
  const url = (role: string) => {
    const result = new URL(environment.HOLDFAST_TEST_POSTGRES_URL);
    result.pathname = `/${name}`;
    result.username = role;
    result.password = environment.HOLDFAST_TEST_DB_PASSWORD;
    return result.href;
  };
  const env = {
    HOLDFAST_POSTGRES_ADMIN_URL: environment.HOLDFAST_TEST_POSTGRES_URL,
    ...Object.fromEntries(
      SERVICE_SCHEMAS.map((schema) => [`HOLDFAST_${schema.toUpperCase()}_DATABASE_URL`, url(`holdfast_${schema}`)]),
    ),
    HOLDFAST_DATABASE_WAIT_SECONDS: '0',
  };
  return { config: loadConfig(env), env };
}

afterAll(async () => {
  for (const name of made) {
    await rows(environment.HOLDFAST_TEST_POSTGRES_URL, `drop database if exists ${name} with (force)`);
  }
});

describe('preparing the database', () => {
  let config: Config;
  let env: Record<string, string>;
  beforeEach(() => {
    ({ config, env } = setup());
  });

  test('makes what is missing, once, also when two do it at the same moment', async () => {
    const both = await Promise.all([
      prepareDatabase(config, () => undefined),
      prepareDatabase(config, () => undefined),
    ]);
    expect(both.flat().length).toBeGreaterThan(10);
    expect(await prepareDatabase(config, () => undefined)).toEqual([]);
    expect(await rows(config.urls.booking, 'select count(*)::int as bookings from booking.bookings')).toEqual([
      { bookings: 0 },
    ]);
  });

  test('refuses a URL that does not log in as the role that owns the schema', async () => {
    const wrong = loadConfig({ ...env, HOLDFAST_PAYMENT_DATABASE_URL: env['HOLDFAST_BOOKING_DATABASE_URL']! });
    await expect(prepareDatabase(wrong, () => undefined)).rejects.toThrow('must log in as holdfast_payment');
  });

  test('refuses URLs to different databases', async () => {
    const other = env['HOLDFAST_PAYMENT_DATABASE_URL']!.replace(/\/[^/]+$/, '/elsewhere');
    const wrong = loadConfig({ ...env, HOLDFAST_PAYMENT_DATABASE_URL: other });
    await expect(prepareDatabase(wrong, () => undefined)).rejects.toThrow('must name the same database');
  });

  test('names the server that does not answer, and no password', async () => {
    const port = await freePort();
    const gone = loadConfig({
      ...env,
      HOLDFAST_POSTGRES_ADMIN_URL: `postgres://someone:word@127.0.0.1:${port}/postgres`,
    });
    await expect(prepareDatabase(gone, () => undefined)).rejects.toThrow(
      `PostgreSQL at 127.0.0.1:${port} does not let us in: connect ECONNREFUSED`,
    );
  });
});
