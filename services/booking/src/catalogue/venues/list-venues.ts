import type { Queryable } from '@holdfast/shared/db/transaction';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { readPosition } from '../list-position.ts';
import { toVenueJson, type VenueJson } from './venue-json.ts';
import { listVenueRows } from './venue-store.ts';

/** A page of the venues that are not archived, oldest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listVenues(
  db: Queryable,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<VenueJson>> {
  const rows = await listVenueRows(db, { limit: query.limit, after: readPosition(query.cursor, 'ven') });
  return toPage(rows, query.limit, toVenueJson, (row) => [row.created_micros, row.id]);
}
