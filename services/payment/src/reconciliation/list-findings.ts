import type { FindingJson, FindingKind, FindingState } from '@holdfast/shared/contracts/reconciliation';
import type { Pool } from '@holdfast/shared/db/pool';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { amountToJson } from '@holdfast/shared/money';
import { decodeRowCursor } from '../row-ids/row-id.ts';
import { readFindings, type FindingRow } from './finding-store.ts';

export interface FindingQuery {
  readonly state?: FindingState | undefined;
  readonly kind?: FindingKind | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Where the provider's books and ours differ, oldest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listFindings(pool: Pool, query: FindingQuery): Promise<Page<FindingJson>> {
  const rows = await readFindings(pool, {
    state: query.state ?? null,
    kind: query.kind ?? null,
    after: decodeRowCursor(query.cursor),
    limit: query.limit + 1,
  });
  return toPage(rows, query.limit, toFindingJson, (row) => [String(row.id)]);
}

export function toFindingJson(row: FindingRow): FindingJson {
  const amount = (value: bigint | null) => (value === null ? null : amountToJson(value));
  return {
    id: String(row.id),
    object: 'reconciliation_finding',
    kind: row.kind,
    state: row.state,
    provider: row.provider,
    provider_reference: row.provider_reference,
    payment_id: row.payment_id,
    booking_id: row.booking_id,
    amount_here: amount(row.amount_here),
    amount_there: amount(row.amount_there),
    currency: row.currency,
    detail: row.detail,
    found_at: row.found_at.toISOString(),
    seen_at: row.seen_at.toISOString(),
    resolution:
      row.resolution === null
        ? null
        : { reason: row.resolution, resolved_by: row.resolved_by!, resolved_at: row.resolved_at!.toISOString() },
    refund: row.refund,
  };
}
