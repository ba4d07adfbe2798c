import type { Pool } from '@holdfast/shared/db/pool';
import { amountToJson } from '@holdfast/shared/money';
import { readFindings, type FindingState } from './finding-store.ts';

/** Where the provider's books and ours differ, oldest first, at most `limit`; `has_more` says that there are others. */
export async function listFindings(pool: Pool, query: { state: FindingState | null; limit: number }) {
  const rows = await readFindings(pool, query.state, query.limit + 1);
  const data = rows.slice(0, query.limit).map((row) => ({
    ...row,
    amount_here: row.amount_here === null ? null : amountToJson(row.amount_here),
    amount_there: row.amount_there === null ? null : amountToJson(row.amount_there),
    found_at: row.found_at.toISOString(),
    seen_at: row.seen_at.toISOString(),
  }));
  return { object: 'list' as const, data, has_more: rows.length > query.limit };
}
