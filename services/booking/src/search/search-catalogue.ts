import { MOST_DAYS, type SearchQuery, type SearchResultJson } from '@holdfast/shared/contracts/search';
import type { Queryable } from '@holdfast/shared/db/transaction';
import { decodeCursor, encodeCursor, type Page } from '@holdfast/shared/http/pagination';
import { isId } from '@holdfast/shared/ids';
import { toMoneyJson } from '@holdfast/shared/money';
import { Problem } from '@holdfast/shared/problems';
import { hasFreeSlot } from '../availability/has-free-slot.ts';
import {
  findEntries,
  readTerms,
  type FoundRow,
  type SearchFilter,
  type SearchPosition,
  type SearchTerm,
} from './search-store.ts';

/** Entries that one call looks at for something free. Beyond, the page is short and its cursor goes on from there. */
const LOOKED_AT = 500;
/** Of them, resources: each is worked out from its opening hours. */
const RESOURCES_LOOKED_AT = 50;
const DAY_MS = 86_400_000;

/**
 * A page of what can be found: events that are not over, the soonest first, then resources. All that is given must hold.
 * @throws Problem `validation_failed` for a bad cursor.
 */
export async function searchCatalogue(db: Queryable, query: SearchQuery): Promise<Page<SearchResultJson>> {
  const after = readCursor(query.cursor);
  const terms = query.q === undefined || query.q.trim() === '' ? [] : await readTerms(db, query.q);
  // Only marks and signs: nothing has such a word.
  const nothing = terms.length === 0 && query.q !== undefined && query.q.trim() !== '';
  if (nothing || terms.some((term) => term.words === null && term.venues.length === 0)) return pageOf([], null);

  const filter = { ...toFilter(query, terms), after };
  if (query.available === undefined) {
    const rows = await findEntries(db, { ...filter, limit: query.limit + 1 });
    const shown = rows.slice(0, query.limit);
    return pageOf(
      shown.map((row) => toResult(row, row.available)),
      rows.length > query.limit ? shown.at(-1)! : null,
    );
  }
  return searchByAvailability(db, query, filter);
}

/** Looks at entries in their order until the page is full, they are at an end, or it has looked at enough. */
async function searchByAvailability(
  db: Queryable,
  query: SearchQuery,
  filter: Omit<SearchFilter, 'limit'>,
): Promise<Page<SearchResultJson>> {
  const wanted = query.available === 'true';
  const results: SearchResultJson[] = [];
  let [after, lookedAt, resources] = [filter.after, 0, 0];
  for (;;) {
    const chunk = Math.min(LOOKED_AT, Math.max(query.limit * 2, 50));
    const rows = await findEntries(db, { ...filter, after, limit: chunk });
    for (const [index, row] of rows.entries()) {
      if (row.kind === 'resource') resources += 1;
      lookedAt += 1;
      const available = row.available ?? (await isResourceFree(db, row, query));
      if (available === wanted) results.push(toResult(row, available));
      const more = index + 1 < rows.length || rows.length === chunk;
      const enough = results.length === query.limit || lookedAt === LOOKED_AT || resources === RESOURCES_LOOKED_AT;
      if (enough) return pageOf(results, more ? row : null);
    }
    if (rows.length < chunk) return pageOf(results, null);
    after = positionOf(rows.at(-1)!);
  }
}

function isResourceFree(db: Queryable, row: FoundRow, query: SearchQuery): Promise<boolean> {
  const given = query.from === undefined ? row.now : new Date(query.from);
  const from = given > row.now ? given : row.now;
  const last = from.getTime() + (query.to === undefined ? 7 : MOST_DAYS) * DAY_MS;
  const to = query.to === undefined ? last : Math.min(last, Date.parse(query.to));
  return hasFreeSlot(db, row.id, from, new Date(to));
}

function toFilter(query: SearchQuery, terms: readonly SearchTerm[]): Omit<SearchFilter, 'limit' | 'after'> {
  return {
    terms,
    kind: query.type ?? null,
    venueId: query.venue_id ?? null,
    from: query.from === undefined ? null : new Date(query.from),
    to: query.to === undefined ? null : new Date(query.to),
    category: query.category ?? null,
    minPrice: query.min_price ?? null,
    maxPrice: query.max_price ?? null,
    currency: query.currency ?? null,
  };
}

function toResult(row: FoundRow, available: boolean | null): SearchResultJson {
  return {
    object: 'search_result',
    type: row.kind,
    id: row.id,
    name: row.name,
    venue: { id: row.venue_id, name: row.venue_name, address: row.venue_address },
    time_zone: row.time_zone,
    starts_at: row.starts_at?.toISOString() ?? null,
    ends_at: row.ends_at?.toISOString() ?? null,
    categories: row.categories,
    price_from: toMoneyJson({ amount: row.low_price, currency: row.currency }),
    price_to: toMoneyJson({ amount: row.high_price, currency: row.currency }),
    available,
  };
}

const positionOf = (row: FoundRow): SearchPosition => ({ sortAt: row.sort_at, id: row.id });

/** `last` is the last entry that was looked at, or null when there is none after it. */
function pageOf(data: SearchResultJson[], last: FoundRow | null): Page<SearchResultJson> {
  return {
    object: 'list',
    data,
    has_more: last !== null,
    next_cursor: last && encodeCursor([last.sort_at, last.id]),
  };
}

function readCursor(cursor: string | undefined): SearchPosition | null {
  const key = decodeCursor(cursor, 2);
  if (key === null) return null;
  const [sortAt, id] = key as [string, string];
  const isTime = sortAt === 'infinity' || /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/.test(sortAt);
  if (isTime && !Number.isNaN(sortAt === 'infinity' ? 0 : Date.parse(`${sortAt.replace(' ', 'T')}:00`))) {
    if (isId('evt', id) || isId('res', id)) return { sortAt, id };
  }
  throw new Problem('validation_failed', {
    errors: [{ pointer: '?cursor', code: 'invalid_cursor', message: 'use next_cursor of an earlier answer' }],
  });
}
