import type { Queryable } from '@holdfast/shared/db/transaction';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { readPosition } from '../list-position.ts';
import { toHallJson, type HallJson } from './hall-json.ts';
import { listHallRows } from './hall-store.ts';

/** A page of the halls that are not archived, oldest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listHalls(
  db: Queryable,
  query: { limit: number; cursor?: string | undefined; venue_id?: string | undefined },
): Promise<Page<HallJson>> {
  const after = readPosition(query.cursor, 'hal');
  const rows = await listHallRows(db, { limit: query.limit, after, venueId: query.venue_id ?? null });
  return toPage(rows, query.limit, toHallJson, (row) => [row.created_micros, row.id]);
}
