import type { Queryable } from '@holdfast/shared/db/transaction';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { readPosition } from '../list-position.ts';
import { toResourceJson, type ResourceJson } from './resource-json.ts';
import { listResourceRows } from './resource-store.ts';

/** A page of the resources that are not archived, oldest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listResources(
  db: Queryable,
  query: { limit: number; cursor?: string | undefined; venue_id?: string | undefined },
): Promise<Page<ResourceJson>> {
  const after = readPosition(query.cursor, 'res');
  const rows = await listResourceRows(db, { limit: query.limit, after, venueId: query.venue_id ?? null });
  return toPage(rows, query.limit, toResourceJson, (row) => [row.created_micros, row.id]);
}
