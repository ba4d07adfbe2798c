import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Queryable, type Tx } from '@holdfast/shared/db/transaction';

export interface Sweep {
  readonly id: bigint;
  readonly from: Date;
  readonly to: Date;
}

interface WindowRow {
  id: bigint;
  window_from: Date;
  window_to: Date;
}
const toSweep = (row: WindowRow | undefined): Sweep | null =>
  row ? { id: row.id, from: row.window_from, to: row.window_to } : null;

/**
 * Begins the sweep of this day unless one was complete within 24 h or began within the last 10 min. Its window reaches from an hour
 * before the end of the last complete one (or 25 h back) to now, so that nothing falls between two of them. What operators ask for
 * counts for neither.
 */
export function claimDailySweep(pool: Pool): Promise<Sweep | null> {
  return withTransaction(pool, async (tx) => {
    // Two processes that ask at the same moment would both find none.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('payment-reconciliation-sweep', 0))`);
    const { rows } = await tx.query<WindowRow>(
      `insert into reconciliation_sweeps (window_from, window_to)
       select coalesce((select max(window_to) - interval '1 hour'
                          from reconciliation_sweeps
                         where complete
                           and requested_by is null),
                       clock.app_now() - interval '25 hours'),
              clock.app_now()
        where not exists (select from reconciliation_sweeps
                           where started_at > clock.app_now() - interval '24 hours'
                             and requested_by is null
                             and (complete or started_at > clock.app_now() - interval '10 minutes'))
       returning id, window_from, window_to`,
    );
    return toSweep(rows[0]);
  });
}

/** Takes the oldest sweep that an operator waits for, for `leaseMs`; a process that dies with it leaves it to another one. */
export async function claimRequestedSweep(pool: Pool, leaseMs: number): Promise<Sweep | null> {
  const { rows } = await pool.query<WindowRow>(
    `update reconciliation_sweeps
        set locked_until = clock.app_now() + make_interval(secs => $1::float8 / 1000)
      where id = (select id
                    from reconciliation_sweeps
                   where requested_by is not null
                     and finished_at is null
                     and (locked_until is null or locked_until < clock.app_now())
                   order by id
                   limit 1
                     for update skip locked)
      returning id, window_from, window_to`,
    [leaseMs],
  );
  return toSweep(rows[0]);
}

/** Notes how a sweep ended. */
export async function finishSweep(
  pool: Pool,
  id: bigint,
  end: { complete: boolean; compared: number; found: number; repaired: number },
): Promise<void> {
  await pool.query(
    `update reconciliation_sweeps
        set complete = $2, compared = $3, found = $4, repaired = $5, finished_at = clock.app_now(), locked_until = null
      where id = $1`,
    [id, end.complete, end.compared, end.found, end.repaired],
  );
}

export interface SweepRow {
  id: bigint;
  window_from: Date;
  window_to: Date;
  started_at: Date;
  finished_at: Date | null;
  complete: boolean;
  compared: number | null;
  found: number | null;
  repaired: number | null;
  requested_by: string | null;
}

const COLUMNS =
  'id, window_from, window_to, started_at, finished_at, complete, compared, found, repaired, requested_by';

/** Writes down that somebody wants a sweep; without a window, one of the last 25 hours. */
export async function insertRequestedSweep(
  tx: Tx,
  request: { by: string; window: { from: Date; to: Date } | null },
): Promise<SweepRow> {
  const { rows } = await tx.query<SweepRow>(
    `insert into reconciliation_sweeps (window_from, window_to, requested_by)
     values (coalesce($1, clock.app_now() - interval '25 hours'), coalesce($2, clock.app_now()), $3)
     returning ${COLUMNS}`,
    [request.window?.from ?? null, request.window?.to ?? null, request.by],
  );
  return rows[0]!;
}

export async function readSweepRow(db: Queryable, id: bigint): Promise<SweepRow | null> {
  const { rows } = await db.query<SweepRow>(`select ${COLUMNS} from reconciliation_sweeps where id = $1`, [id]);
  return rows[0] ?? null;
}

/** Newest first, those before the one with id `before` where that is not null. */
export async function listSweepRows(db: Queryable, before: bigint | null, limit: number): Promise<SweepRow[]> {
  const { rows } = await db.query<SweepRow>(
    `select ${COLUMNS}
       from reconciliation_sweeps
      where $1::bigint is null
         or id < $1
      order by id desc
      limit $2`,
    [before, limit],
  );
  return rows;
}
