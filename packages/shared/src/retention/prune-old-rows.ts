import type { Pool } from '../db/pool.ts';
import { Loop } from '../loop.ts';
import type { Logger } from 'pino';

/** How long an answer is kept for its Idempotency-Key (product.md, G2), and an event after every consumer had it. */
const KEPT_DAYS = 30;
/**
 * What consumers know of an event outlives its outbox row by more than the 7 days that a stream keeps a message: a copy that comes
 * as late as it can still meets its inbox row.
 */
const INBOX_DAYS = KEPT_DAYS + 8;
/** Rows of one table in one statement: a moment's work, so that nobody waits for it. */
const BATCH = 5_000;
const INTERVAL_MS = 60_000;

const TABLES = [
  { table: 'outbox', age: 'confirmed_at', days: KEPT_DAYS },
  { table: 'idempotency_keys', age: 'created_at', days: KEPT_DAYS },
  { table: 'inbox', age: 'received_at', days: INBOX_DAYS },
  { table: 'inbox_attempts', age: 'updated_at', days: INBOX_DAYS },
] as const;

/**
 * Removes what nobody asks for any more from the tables that every service with messages has: delivered events, stored answers, and
 * what consumers remember of events. An event that some consumer lacks is never removed, however old. One round takes a bounded
 * number of rows of each table; replicas may run it side by side. `more` says that a table had more.
 */
export async function pruneOldRows(pool: Pool): Promise<{ removed: number; more: boolean }> {
  let [removed, more] = [0, false];
  for (const { table, age, days } of TABLES) {
    // By place, as an array: as a join by key it is planned to read all of the table, however few rows are old.
    const { rowCount } = await pool.query(
      `delete from ${table}
        where ctid = any (array(select ctid
                                  from ${table}
                                 where ${age} < (select clock.app_now()) - interval '${days} days'
                                 order by ${age}
                                 limit ${BATCH}
                                   for update skip locked))`,
    );
    removed += rowCount ?? 0;
    more ||= rowCount === BATCH;
  }
  return { removed, more };
}

/** Prunes once a minute, and without a pause while there is more. */
export function createPruneLoop({ pool, logger }: { readonly pool: Pool; readonly logger: Logger }): Loop {
  return new Loop({ name: 'prune-old-rows', intervalMs: INTERVAL_MS, logger, runOnce: () => pruneOldRows(pool) });
}
