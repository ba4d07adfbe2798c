import type { SeriesJson, SeriesSummaryJson, seriesListQuery } from '@holdfast/shared/contracts/series';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Queryable } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { decodeTimeCursor } from '../bookings/time-cursor.ts';
import { toSeriesJson, toSeriesSummaryJson } from './series-json.ts';
import { findSeries, listSeriesRows, readOccurrences, type SeriesId, type SeriesRow } from './series-store.ts';

/** A series that the caller may see. @throws Problem `not_found`, also for a malformed id. */
export async function seriesOf(db: Queryable, caller: SignedInCaller, id: string): Promise<SeriesRow> {
  const owner = caller.role === 'customer' ? caller.userId : null;
  const found = isId('ser', id) ? await findSeries(db, id, owner) : null;
  if (!found) throw new Problem('not_found');
  return found;
}

/** One series with its occurrences: the caller's own, or anybody's for an operator. @throws Problem `not_found`. */
export async function readSeriesOf(
  pool: Pool,
  caller: SignedInCaller,
  id: string,
): Promise<{ series: SeriesJson; etag: string }> {
  const row = await seriesOf(pool, caller, id);
  const { rows, now } = await readOccurrences(pool, row.id);
  return { series: toSeriesJson(row, rows, now), etag: etagOf(rows) };
}

/** The answer to a change of a series: as it stands in this transaction. */
export async function answerSeries(db: Queryable, id: SeriesId): Promise<StoredAnswer> {
  const row = (await findSeries(db, id, null))!;
  const { rows, now } = await readOccurrences(db, id);
  return { status: 200, headers: { etag: etagOf(rows) }, body: JSON.stringify(toSeriesJson(row, rows, now)) };
}

/** A series changes with its bookings alone, and each change of one makes its version rise. */
function etagOf(bookings: readonly { readonly version: number }[]): string {
  return `"${bookings.reduce((sum, { version }) => sum + version, 0)}"`;
}

/** The caller's series, newest first; an operator may name a user. @throws Problem `forbidden`. */
export async function listSeriesOf(
  pool: Pool,
  caller: SignedInCaller,
  query: z.output<typeof seriesListQuery>,
): Promise<Page<SeriesSummaryJson>> {
  if (caller.role === 'customer' && query.user_id !== undefined && query.user_id !== caller.userId) {
    throw new Problem('forbidden');
  }
  const rows = await listSeriesRows(pool, {
    userId: query.user_id ?? caller.userId,
    after: decodeTimeCursor(decodeCursor(query.cursor, 2)),
    limit: query.limit,
  });
  return toPage(rows, query.limit, toSeriesSummaryJson, (row) => [row.cursor_at, row.id]);
}
