import type pg from 'pg';

/** A connection with nothing to do passes on what it counted after ten seconds; one at work does so every second. */
const STATISTICS_MS = 11_000;

/** Deadlocks in this database so far, those of the last seconds included, for which it waits. */
export async function readDeadlocks(admin: pg.Client): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, STATISTICS_MS));
  const { rows } = await admin.query<{ deadlocks: number }>(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  return rows[0]!.deadlocks;
}
