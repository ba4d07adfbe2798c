import type { Queryable } from '@holdfast/shared/db/transaction';
import { toPage, type Page } from '@holdfast/shared/http/pagination';
import { readPosition } from '../list-position.ts';
import { toEventJson, type EventJson } from './event-json.ts';
import { listEventRows } from './event-store.ts';

/** A page of the events that are not archived, oldest first by creation. @throws Problem `validation_failed` for a bad cursor. */
export async function listEvents(
  db: Queryable,
  query: { limit: number; cursor?: string | undefined; venue_id?: string | undefined },
): Promise<Page<EventJson>> {
  const after = readPosition(query.cursor, 'evt');
  const rows = await listEventRows(db, { limit: query.limit, after, venueId: query.venue_id ?? null });
  return toPage(rows, query.limit, toEventJson, (row) => [row.created_micros, row.id]);
}
