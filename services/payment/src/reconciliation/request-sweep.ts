import { recordAudit, type Actor } from '@holdfast/shared/audit/record-audit';
import type { SweepJson } from '@holdfast/shared/contracts/reconciliation';
import type { Pool } from '@holdfast/shared/db/pool';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { decodeRowCursor } from '../row-ids/row-id.ts';
import { insertRequestedSweep, listSweepRows, readSweepRow, type SweepRow } from './sweep-store.ts';

/** Writes a sweep down for the loop to take up, and answers where to follow it. Nudge the loop afterwards. */
export function requestSweep(
  pool: Pool,
  request: { actor: Actor; scope: KeyScope | null; window: { from: Date; to: Date } | null },
): Promise<OnceAnswered> {
  return answerOnce(pool, request.scope, async (tx) => {
    const row = await insertRequestedSweep(tx, { by: request.actor.userId, window: request.window });
    const body = toSweepJson(row);
    await recordAudit(tx, request.actor, { action: 'reconcile', before: null, after: body, reason: null });
    return {
      status: 202,
      headers: { location: `/v1/ops/reconciliation/sweeps/${body.id}`, 'retry-after': '1' },
      body: JSON.stringify(body),
    };
  });
}

/** One sweep as it stands now, or null when there is none. */
export async function readSweep(pool: Pool, id: bigint): Promise<SweepJson | null> {
  const row = await readSweepRow(pool, id);
  return row && toSweepJson(row);
}

/** A page of sweeps, newest first, the daily ones and those that were asked for. @throws Problem `validation_failed`. */
export async function listSweeps(
  pool: Pool,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<SweepJson>> {
  const before = query.cursor === undefined ? null : decodeRowCursor(query.cursor);
  const rows = await listSweepRows(pool, before, query.limit + 1);
  return toPage(rows, query.limit, toSweepJson, (row) => [String(row.id)]);
}

function toSweepJson(row: SweepRow): SweepJson {
  return {
    id: String(row.id),
    object: 'reconciliation_sweep',
    state: row.complete ? 'COMPLETE' : row.finished_at === null ? 'RUNNING' : 'INCOMPLETE',
    from: row.window_from.toISOString(),
    to: row.window_to.toISOString(),
    requested_by: row.requested_by,
    compared: row.compared,
    found: row.found,
    repaired: row.repaired,
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
