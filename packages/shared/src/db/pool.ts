import pg from 'pg';
import type { Logger } from 'pino';
import { currentSecret, type Secrets } from '../secrets/secret-ring.ts';

// bigint columns are minor units of money and counters: never a float, never a string that somebody adds to.
pg.types.setTypeParser(pg.types.builtins.INT8, (value) => BigInt(value));

export type Pool = pg.Pool;

export interface PoolOptions {
  /** A ring is asked at each new connection: a password that changed is used from then on, and the connections that stand stay. */
  readonly connectionString: Secrets;
  readonly schema: string;
  readonly max?: number;
  readonly logger: Logger;
  readonly applicationName: string;
}

/**
 * A connection pool with every wait bounded, so that a stopped or unreachable PostgreSQL gives an error within 3 s instead of a
 * hanging request, and with the idle-client error handled, so that a restart of PostgreSQL never ends the process.
 */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: currentSecret(options.connectionString),
    application_name: options.applicationName,
    max: options.max ?? 10,
    connectionTimeoutMillis: 2_000,
    // Longer than statement_timeout: the server's own refusal is the better message, this one is for a silent server.
    query_timeout: 2_500,
    // A burst opens connections, and each holds some 20 MiB of the server: they go soon after it.
    idleTimeoutMillis: 10_000,
    keepAlive: true,
    options: [
      `-c search_path=${options.schema},public`,
      '-c statement_timeout=2000',
      '-c lock_timeout=1000',
      '-c idle_in_transaction_session_timeout=5000',
      '-c tcp_user_timeout=5000',
      '-c timezone=UTC',
    ].join(' '),
  });
  // Each client is made of the pool's options as they stand then.
  Object.defineProperty(pool.options, 'connectionString', { get: () => currentSecret(options.connectionString) });
  pool.on('error', (error) => options.logger.warn({ err: error }, 'idle database connection lost'));
  // A client that is checked out reports its broken connection too; its query already rejects with the same cause.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
