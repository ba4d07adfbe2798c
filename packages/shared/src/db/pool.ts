import { setTimeout as sleep } from 'node:timers/promises';
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
  connectPatiently(pool);
  pool.on('error', (error) => options.logger.warn({ err: error }, 'idle database connection lost'));
  // A client that is checked out reports its broken connection too; its query already rejects with the same cause.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** invalid_password */
const WRONG_PASSWORD = '28P01';
const PATIENCE_MS = 1_500;
const PAUSE_MS = 100;

/**
 * A new connection with a password that is just being changed is tried again: the server has the new one and the file will have it
 * within a second or so, or the other way round.
 */
function connectPatiently(pool: Pool): void {
  // Also called with a callback, by `pool.query`; that form is made of the other one.
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const patiently = async () => {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await connect();
      } catch (error) {
        if ((error as { code?: unknown }).code !== WRONG_PASSWORD || performance.now() > until) throw error;
        await sleep(PAUSE_MS);
      }
    }
  };
  pool.connect = ((callback?: ConnectCallback) => {
    if (!callback) return patiently();
    patiently().then(
      (client) => callback(undefined, client, (release) => client.release(release)),
      (error: unknown) => callback(error as Error, undefined, () => undefined),
    );
  }) as Pool['connect'];
}

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: boolean) => void,
) => void;
