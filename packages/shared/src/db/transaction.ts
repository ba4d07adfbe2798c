import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import type { Pool } from './pool.ts';
import { statementName } from './statement-names.ts';

/** What may be done inside a transaction: queries, and nothing after it has ended. */
export interface Tx {
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
  query<R extends pg.QueryResultRow = pg.QueryResultRow>(config: pg.QueryConfig): Promise<pg.QueryResult<R>>;
}

/** The transaction or the pool: for reads that may run in either. Writes take a `Tx`. */
export type Queryable = Pick<Tx, 'query'>;

const openTransaction = new AsyncLocalStorage<{ open: boolean }>();

/**
 * Fails when called inside a transaction. Every client that talks to another process over the network calls it, because a slow
 * peer would hold the transaction's locks and its connection. @throws Error naming what was attempted.
 */
export function assertNoOpenTransaction(what: string): void {
  if (openTransaction.getStore()?.open) throw new Error(`${what} inside a database transaction`);
}

/** SQLSTATEs after which the same transaction may simply be run again. */
const RETRYABLE = new Set(['40001', '40P01', '55P03']);

export interface TransactionOptions {
  /** Runs of the whole function, first one included, on serialization failure, deadlock or lock timeout. */
  readonly attempts?: number;
}

/**
 * Runs `work` in one READ COMMITTED transaction: returning commits, throwing rolls back. The handle is dead afterwards. A deadlock,
 * serialization failure or lock timeout runs the whole function again (up to 3 times, full jitter), so `work` must have no effect
 * outside the database. When the answer to COMMIT itself is lost the error is passed on: the caller must look up what happened.
 */
export async function withTransaction<T>(
  pool: Pool,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const attempts = options.attempts ?? 3;
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work);
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
    }
  }
}

export function isRetryable(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code !== undefined && RETRYABLE.has(error.code);
}

async function runOnce<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  const state = { open: true };
  let broken: Error | undefined;
  // What the server did not refuse itself (a timeout, a lost connection) leaves the connection in an unknown state, perhaps inside
  // this transaction: it is closed, which rolls back. Asking it to roll back could take as long as the failure itself.
  const noteBroken = (error: unknown) => {
    if (!(error instanceof pg.DatabaseError)) broken = error as Error;
    throw error;
  };
  const tx = {
    query: (text: string | pg.QueryConfig, values?: unknown[]) => {
      if (!state.open) throw new Error('this transaction has ended');
      return client.query(prepared(text, values)).catch(noteBroken);
    },
  } as Tx;
  try {
    await client.query('begin').catch(noteBroken);
    try {
      const result = await openTransaction.run(state, () => work(tx));
      state.open = false;
      await client.query('commit').catch(noteBroken);
      return result;
    } catch (error) {
      state.open = false;
      if (!broken) {
        await client.query('rollback').catch((rollbackError: Error) => {
          broken = rollbackError;
        });
      }
      throw error;
    }
  } finally {
    state.open = false;
    client.release(broken);
  }
}

/** A statement with parameters is prepared under a name of its own; one that names itself, or has none, goes as it is. */
function prepared(text: string | pg.QueryConfig, values: unknown[] | undefined): pg.QueryConfig {
  if (typeof text !== 'string') return text;
  if (values === undefined) return { text };
  const name = statementName(text);
  return name === undefined ? { text, values } : { name, text, values };
}

/** Name of the constraint that refused a statement, or null when the error is of another kind. */
export function violatedConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code?.startsWith('23') ? (error.constraint ?? null) : null;
}
