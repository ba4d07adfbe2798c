import type { DatabaseStatistics } from './read-statistics.ts';

/** Below it PostgreSQL waits for the disk so often that more memory pays. */
const HIT_RATIO = 0.95;
/** So few blocks say nothing yet: a server that was just started. */
const ROWS_THAT_MATTER = 10_000;
const DEAD_SHARE = 0.2;
const LONG_TRANSACTION_S = 60;
const LARGE_INDEX_BYTES = 16 * 2 ** 20;

/** What to do about what was found, one sentence each; docs/runbooks/database.md says more. */
export function adviceFor(found: DatabaseStatistics): string[] {
  const advice: string[] = [];
  if (found.statements === null)
    advice.push(
      'statements: start PostgreSQL with shared_preload_libraries = pg_stat_statements, then create extension pg_stat_statements',
    );
  const large = found.tables.filter(({ live_rows: rows }) => rows >= ROWS_THAT_MATTER);
  if (large.length > 0 && found.hit_ratio !== null && found.hit_ratio < HIT_RATIO)
    advice.push('memory: what is asked for is often not there; raise shared_buffers to a quarter of the memory');
  for (const each of large) {
    if (each.dead_rows > each.live_rows * DEAD_SHARE)
      advice.push(
        `${each.table}: a fifth or more of its rows are dead; see who holds a transaction open, then vacuum ${each.table}`,
      );
    // One scan an hour by the checks of the invariants is as it should be; those read all of it, and few do.
    if (each.rows_by_whole_scans > 100 * each.live_rows)
      advice.push(
        `${each.table}: read from end to end ${each.whole_scans} times; look for the statement without an index`,
      );
  }
  if (found.oldest_transaction_s > LONG_TRANSACTION_S)
    advice.push(
      `transactions: one is open for ${Math.round(found.oldest_transaction_s)} s; vacuum cannot remove what it might see`,
    );
  for (const { index, table, bytes } of found.unused_indexes) {
    if (bytes >= LARGE_INDEX_BYTES)
      advice.push(
        `${index}: nothing has read it and every write of ${table} pays for it; watch it for a month before it goes`,
      );
  }
  return advice;
}
