import type { Queryable } from '@holdfast/shared/db/transaction';
import type { EventId, ResourceId, VenueId } from '@holdfast/shared/ids';

/** One word of a query: an entry must have it, or lie in a venue that has it. */
export interface SearchTerm {
  /** A tsquery: the word's beginning, or the words that it may have been meant as. Null when no document has any. */
  readonly words: string | null;
  readonly venues: readonly VenueId[];
}

/** What one word may be meant as when it is not known, and in how many venues at most it is looked for. */
const MOST_SIMILAR = 5;
const MOST_VENUES = 2_000;

/**
 * The words of a text, each as what it is looked for by. A word that begins no known one was mistyped, and stands for those that are
 * like it. Empty for a text without a word.
 */
export async function readTerms(db: Queryable, text: string): Promise<SearchTerm[]> {
  const { rows } = await db.query<{ words: string | null; venues: VenueId[] }>({
    name: 'search-terms',
    text: `select term.words::text as words,
                  array(select v.id from venues v where v.document @@ term.words limit ${MOST_VENUES}) as venues
             from unnest(search_words($1)) as typed (word)
             cross join lateral (
               select case when exists (select from search_vocabulary
                                         where word >= typed.word and word < typed.word || chr(1114111))
                           then array[quote_literal(typed.word) || ':*']
                           else array(select quote_literal(meant) from unnest(similar_words(typed.word, ${MOST_SIMILAR})) as meant)
                      end as choices) found
             cross join lateral (
               select nullif(array_to_string(found.choices, ' | '), '')::tsquery as words) term`,
    values: [text],
  });
  return rows;
}

export interface SearchFilter {
  /** All of them must hold. */
  readonly terms: readonly SearchTerm[];
  readonly kind: 'event' | 'resource' | null;
  readonly venueId: VenueId | null;
  /** Bounds of the start of events, from inclusive, to exclusive; resources have no start and are within any. */
  readonly from: Date | null;
  readonly to: Date | null;
  readonly category: string | null;
  /** Minor units, inclusive. */
  readonly minPrice: number | null;
  readonly maxPrice: number | null;
  readonly currency: string | null;
  readonly after: SearchPosition | null;
  readonly limit: number;
}

/** Where a page begins: after the entry with this place in the order (a time as PostgreSQL writes it) and id. */
export interface SearchPosition {
  readonly sortAt: string;
  readonly id: string;
}

export interface FoundRow {
  readonly id: EventId | ResourceId;
  readonly kind: 'event' | 'resource';
  readonly name: string;
  readonly venue_id: VenueId;
  readonly venue_name: string;
  readonly venue_address: string | null;
  readonly time_zone: string;
  readonly currency: string;
  readonly starts_at: Date | null;
  readonly ends_at: Date | null;
  readonly categories: string[];
  readonly low_price: bigint;
  readonly high_price: bigint;
  /** Of an event: whether a place can be held now. Null for a resource. */
  readonly available: boolean | null;
  readonly sort_at: string;
  readonly now: Date;
}

/**
 * The next entries of a filter, in order, with what is shown of them. Made for each filter, so that it is planned for what it asks: the
 * entries are found by one of their indexes and cut to the limit before anything else is read.
 */
export function searchStatement(filter: SearchFilter): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const value = (given: unknown) => `$${values.push(given)}`;
  const conditions = [
    'e.ends_at > (select clock.app_now())',
    'e.venue_id not in (select id from venues where archived_at is not null)',
    '(e.hall_id is null or e.hall_id not in (select id from halls where archived_at is not null))',
  ];
  for (const { words, venues } of filter.terms) {
    const ways = [
      ...(words === null ? [] : [`e.document @@ ${value(words)}::tsquery`]),
      ...(venues.length === 0 ? [] : [`e.venue_id = any (${value(venues)}::text[])`]),
    ];
    conditions.push(ways.length === 0 ? 'false' : `(${ways.join(' or ')})`);
  }
  if (filter.kind !== null) conditions.push(`e.kind = ${value(filter.kind)}`);
  if (filter.venueId !== null) conditions.push(`e.venue_id = ${value(filter.venueId)}`);
  if (filter.from !== null) conditions.push(`e.sort_at >= ${value(filter.from)}::timestamptz`);
  if (filter.to !== null) conditions.push(`(e.sort_at < ${value(filter.to)}::timestamptz or e.sort_at = 'infinity')`);
  if (filter.category !== null) {
    conditions.push(`e.document @@ ${value(`'#${filter.category}'`)}::tsquery`);
  }
  if (filter.minPrice !== null) conditions.push(`e.high_price >= ${value(filter.minPrice)}::bigint`);
  if (filter.maxPrice !== null) conditions.push(`e.low_price <= ${value(filter.maxPrice)}::bigint`);
  const bounds = Number(filter.minPrice !== null) + Number(filter.maxPrice !== null);
  // One bound is told by the lowest or the highest price; two, or those of one category, by a look at each.
  if (bounds === 2 || (bounds === 1 && filter.category !== null)) {
    const [min, max] = [value(filter.minPrice ?? 0), value(filter.maxPrice ?? Number.MAX_SAFE_INTEGER)];
    const category = value(filter.category);
    conditions.push(
      `exists (select from jsonb_to_recordset(e.prices) as p (category text, amount bigint)
                where p.amount between ${min}::bigint and ${max}::bigint
                  and (${category}::text is null or p.category = ${category}))`,
    );
  }
  if (filter.currency !== null) {
    conditions.push(`e.venue_id in (select id from venues where currency = ${value(filter.currency)})`);
  }
  if (filter.after !== null) {
    conditions.push(
      `(e.sort_at, e.id) > (${value(filter.after.sortAt)}::timestamptz, ${value(filter.after.id)}::text)`,
    );
  }
  const text = `with found as materialized (
       select e.id, e.kind, e.venue_id, e.sort_at, e.low_price, e.high_price
         from search_entries e
        where ${conditions.join('\n          and ')}
        order by e.sort_at, e.id
        limit ${value(filter.limit)}
     )
     select f.id, f.kind, coalesce(ev.name, r.name) as name, v.id as venue_id, v.name as venue_name,
            v.address as venue_address, v.time_zone, v.currency, ev.starts_at, ev.ends_at, f.low_price, f.high_price,
            array(select p ->> 'category' from jsonb_array_elements(ev.prices) as p) as categories,
            f.sort_at::text as sort_at, clock.app_now() as now,
            case when f.kind = 'event' then
              coalesce(ev.sales_open_at <= clock.app_now(), true) and coalesce(ev.sales_close_at > clock.app_now(), true)
              and case ev.inventory
                    when 'pool' then ev.claimed < ev.capacity
                    else ev.capacity - cardinality(ev.house_blocks)
                         > (select count(*) from seat_claims s
                             where s.event_id = ev.id and s.released_at is null and s.seat <> all (ev.house_blocks))
                  end
            end as available
       from found f
       join venues v on v.id = f.venue_id
       left join events ev on ev.id = f.id
       left join resources r on r.id = f.id
      order by f.sort_at, f.id`;
  return { text, values };
}

export async function findEntries(db: Queryable, filter: SearchFilter): Promise<FoundRow[]> {
  return (await db.query<FoundRow>(searchStatement(filter))).rows;
}

/** Takes entries of events that are over out of the table; nobody finds them any more. Returns how many there were, up to the limit. */
export async function deleteOver(db: Queryable, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from search_entries
      where ctid = any (array(select ctid from search_entries
                               where kind = 'event' and ends_at <= (select clock.app_now())
                               order by ends_at
                               limit $1
                                 for update skip locked))`,
    [limit],
  );
  return rowCount ?? 0;
}
