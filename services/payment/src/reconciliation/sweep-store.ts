import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';

export interface Sweep {
  readonly id: bigint;
  readonly from: Date;
  readonly to: Date;
}

/**
 * Begins the sweep of this day unless one was complete within 24 h or began within the last 10 min. Its window reaches from an hour
 * before the end of the last complete one (or 25 h back) to now, so that nothing falls between two of them.
 */
export function claimSweep(pool: Pool): Promise<Sweep | null> {
  return withTransaction(pool, async (tx) => {
    // Two processes that ask at the same moment would both find none.
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('payment-reconciliation-sweep', 0))`);
    const { rows } = await tx.query<{ id: bigint; window_from: Date; window_to: Date }>(
      `insert into reconciliation_sweeps (window_from, window_to)
       select coalesce((select max(window_to) - interval '1 hour' from reconciliation_sweeps where complete),
                       clock.app_now() - interval '25 hours'),
              clock.app_now()
        where not exists (select from reconciliation_sweeps
                           where started_at > clock.app_now() - interval '24 hours'
                             and (complete or started_at > clock.app_now() - interval '10 minutes'))
       returning id, window_from, window_to`,
    );
    const row = rows[0];
    return row ? { id: row.id, from: row.window_from, to: row.window_to } : null;
  });
}

/** Notes how a sweep ended. */
export async function finishSweep(
  pool: Pool,
  id: bigint,
  end: { complete: boolean; compared: number; found: number },
): Promise<void> {
  await pool.query('update reconciliation_sweeps set complete = $2, compared = $3, found = $4 where id = $1', [
    id,
    end.complete,
    end.compared,
    end.found,
  ]);
}
