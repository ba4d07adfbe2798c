import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { list } from '@holdfast/shared/contracts/common';
import { searchResult, type SearchResultJson } from '@holdfast/shared/contracts/search';
import type { Page } from '@holdfast/shared/http/pagination';
import { newId } from '@holdfast/shared/ids';
import { eventRescheduleRoutes } from '../event-reschedule/routes.ts';
import { eventCancellationRoutes } from '../event-cancellation/routes.ts';
import { setupCatalogue, type CatalogueFixture } from '../testing/catalogue-fixture.ts';
import { pointersOf, serveRoutes, type HttpFixture } from '../testing/http-fixture.ts';
import { pruneSearch } from './prune-search.ts';
import { readTerms, searchStatement, type SearchFilter } from './search-store.ts';
import { searchRoutes } from './routes.ts';

let catalogue: CatalogueFixture;
let http: HttpFixture;
beforeAll(async () => {
  catalogue = await setupCatalogue();
  http = await serveRoutes(
    searchRoutes(catalogue),
    eventRescheduleRoutes(catalogue),
    eventCancellationRoutes(catalogue),
  );
});
afterAll(async () => {
  await http.stop();
  await catalogue.stop();
});

type Query = Record<string, string | number | boolean>;

async function search(query: Query): Promise<Page<SearchResultJson>> {
  const params = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const reply = await http.get(`/v1/search?${params.toString()}`);
  if (reply.status !== 200) throw new Error(reply.text);
  expect(list(searchResult).parse(reply.body)).toEqual(reply.body);
  return reply.body as unknown as Page<SearchResultJson>;
}
const ids = async (query: Query) => (await search(query)).data.map(({ id }) => id);

/** A venue of its own, so that tests do not find each other's objects. */
async function aPlace(overrides: object = {}) {
  const venue_id = await catalogue.venue(overrides);
  return {
    venue_id,
    event: (event: object = {}) => catalogue.event({ venue_id, ...event }),
    resource: (resource: object = {}) => catalogue.resource({ venue_id, ...resource }),
  };
}
const on = (day: string, hour = 18) => ({
  starts_at: `${day}T${String(hour).padStart(2, '0')}:00:00.000Z`,
  ends_at: `${day}T${String(hour + 2).padStart(2, '0')}:00:00.000Z`,
});

describe('words', () => {
  test('of the name, the venue, its address and its zone, in any case, order and accent, also their beginnings', async () => {
    const place = await aPlace({
      name: 'Théâtre du Soleil',
      address: '2 Route du Champ, Vincennes',
      time_zone: 'Europe/Paris',
    });
    const event = await place.event({ name: 'Le Misanthrope: Molière' });
    for (const q of [
      'misanthrope',
      'MOLIERE',
      'molière le',
      'misan',
      'theatre misanthrope',
      'soleil vincennes',
      'paris moli',
      'misanthrope, (molière)!',
    ]) {
      expect([q, await ids({ q })]).toEqual([q, [event]]);
    }
    for (const q of ['misanthrope berlin', 'ope']) expect([q, await ids({ q })]).toEqual([q, []]);
  });

  test('that are mistyped find what they are like', async () => {
    const place = await aPlace({ name: 'Konzerthaus Quellenburg' });
    const event = await place.event({ name: 'Mendelssohn Bartholdy' });
    for (const q of ['mendelsohn', 'Mendelsson', 'mnedelssohn', 'bartoldy', 'konzethaus', 'Quelenburg mendelshon']) {
      expect([q, await ids({ q, venue_id: place.venue_id })]).toEqual([q, [event]]);
    }
  });

  test('in other scripts', async () => {
    const place = await aPlace();
    const [greek, cyrillic, japanese] = [
      await place.event({ name: 'Ἀντιγόνη του Σοφοκλή', ...on('2030-01-01') }),
      await place.event({ name: 'Щелкунчик', ...on('2030-01-02') }),
      await place.event({ name: '歌舞伎 座', ...on('2030-01-03') }),
    ];
    expect(await ids({ q: 'αντιγονη' })).toEqual([greek]);
    expect(await ids({ q: 'щелку' })).toEqual([cyrillic]);
    expect(await ids({ q: '歌舞' })).toEqual([japanese]);
  });

  test('of a venue follow when it gets another name, at once', async () => {
    const place = await aPlace({ name: 'Zirkus Alt' });
    const event = await place.event();
    await catalogue.patch(`/v1/venues/${place.venue_id}`, 1, { name: 'Zirkus Neukirchen', address: 'Am Weiher 3' });
    expect(await ids({ q: 'neukirchen weiher' })).toEqual([event]);
    expect(await ids({ q: 'zirkus alt' })).toEqual([]);
  });

  test('that nothing has, and texts without a word, find nothing', async () => {
    for (const q of ['%', "''", '; -- \\', '***', '🎭', 'xqzwv', '_', '.', "')) or 1=1", '\u0301']) {
      expect([q, await ids({ q })]).toEqual([q, []]);
    }
  });

  test('whatever is typed, the answer is a list', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 60 }), async (text) => {
        const reply = await http.get(`/v1/search?q=${encodeURIComponent(text)}`);
        // NUL is no text to PostgreSQL.
        expect(reply.status).toBe(text.includes('\0') ? 422 : 200);
      }),
      { numRuns: 200 },
    );
  });
});

describe('filters', () => {
  test('type, venue and date range: events by their start, from inclusive, to exclusive', async () => {
    const place = await aPlace();
    const [first, second] = [await place.event(on('2030-02-01')), await place.event(on('2030-02-02'))];
    const net = await place.resource();
    const { venue_id } = place;
    expect(await ids({ venue_id })).toEqual([first, second, net]);
    expect(await ids({ venue_id, type: 'event' })).toEqual([first, second]);
    expect(await ids({ venue_id, type: 'resource' })).toEqual([net]);
    expect(await ids({ venue_id, type: 'event', from: on('2030-02-02').starts_at })).toEqual([second]);
    expect(await ids({ venue_id, type: 'event', to: on('2030-02-02').starts_at })).toEqual([first]);
    expect(await ids({ venue_id: newId('ven') })).toEqual([]);
  });

  test('category and price: one category must have a price within the bounds', async () => {
    const place = await aPlace();
    const { venue_id } = place;
    const prices = [
      { category: 'standard', amount: 1_000 },
      { category: 'premium', amount: 9_000 },
    ];
    const both = await place.event({ prices, ...on('2030-03-01') });
    const cheap = await place.event({ prices: prices.slice(0, 1), ...on('2030-03-02') });
    const net = await place.resource({ price_per_slot: { amount: 5_000, currency: 'GBP' } });
    expect(await ids({ venue_id, category: 'premium' })).toEqual([both]);
    expect(await ids({ venue_id, max_price: 999 })).toEqual([]);
    expect(await ids({ venue_id, max_price: 1_000 })).toEqual([both, cheap]);
    expect(await ids({ venue_id, min_price: 1_001 })).toEqual([both, net]);
    // Between its two prices there is none.
    expect(await ids({ venue_id, min_price: 2_000, max_price: 8_000 })).toEqual([net]);
    expect(await ids({ venue_id, category: 'premium', max_price: 8_999 })).toEqual([]);
    expect(await ids({ venue_id, currency: 'GBP' })).toEqual([both, cheap, net]);
    expect(await ids({ venue_id, currency: 'EUR' })).toEqual([]);
    const [shown] = (await search({ venue_id })).data;
    expect(shown).toMatchObject({
      categories: ['standard', 'premium'],
      price_from: { amount: 1_000, currency: 'GBP' },
      price_to: { amount: 9_000, currency: 'GBP' },
    });
  });

  test('available: what can be booked now, and what cannot', async () => {
    const place = await aPlace();
    const { venue_id } = place;
    const hall_id = await catalogue.hall({ venue_id, rows: [{ row: 'A', seats: 2 }] });
    const prices = [{ category: 'standard', amount: 1_000 }];
    const seats = { inventory: 'seats', hall_id, capacity: undefined, prices };
    const free = await place.event(on('2030-04-01'));
    const sold = await place.event({ capacity: 1, ...on('2030-04-02') });
    const hall = await place.event({ ...seats, ...on('2030-04-03') });
    const fullHall = await place.event({ ...seats, ...on('2030-04-04'), house_blocks: ['A-1', 'A-2'] });
    const notYet = await place.event({ ...on('2030-04-05'), sales_open_at: '2030-04-04T00:00:00Z' });
    const net = await place.resource();
    const shut = await place.resource({
      exceptions: Array.from({ length: 300 }, (_, day) => ({
        date: new Date(Date.now() + (day - 5) * 86_400_000).toISOString().slice(0, 10),
        closed: true,
      })),
    });
    await catalogue.pool.query('update events set claimed = capacity where id = $1', [sold]);
    const expected = { true: [free, hall, net], false: [sold, fullHall, notYet, shut] };
    expect(await ids({ venue_id, available: true })).toEqual(expected.true);
    expect(await ids({ venue_id, available: false })).toEqual(expected.false);
    for (const { available } of (await search({ venue_id, available: true })).data) expect(available).toBe(true);
    const events = (await search({ venue_id, type: 'event' })).data;
    expect(events.map(({ available }) => available)).toEqual([true, false, true, false, false]);
    // On a Tuesday the net is closed.
    const tuesday = { from: '2030-06-04T00:00:00Z', to: '2030-06-05T00:00:00Z' };
    expect(await ids({ venue_id, type: 'resource', available: true, ...tuesday })).toEqual([]);
    expect(
      await ids({ venue_id, type: 'resource', available: true, ...tuesday, from: '2030-06-03T00:00:00Z' }),
    ).toEqual([net, shut]);
  });
});

describe('what is found', () => {
  test('follows the catalogue: not what is archived, cancelled or over, and again what is restored or moved', async () => {
    const place = await aPlace();
    const { venue_id } = place;
    const [event, net] = [await place.event(), await place.resource()];
    const path = `/v1/events/${event}`;
    await catalogue.delete(path, 1);
    await catalogue.delete(`/v1/resources/${net}`, 1);
    expect(await ids({ venue_id })).toEqual([]);
    await catalogue.post(`${path}/restore`, {});
    await catalogue.post(`/v1/resources/${net}/restore`, {});
    await catalogue.patch(path, 3, { name: 'Umbenannt', prices: [{ category: 'vip', amount: 7 }] });
    expect(await ids({ venue_id, q: 'umbenannt', category: 'vip', max_price: 7 })).toEqual([event]);
    expect(await ids({ venue_id })).toEqual([event, net]);

    await http.post(`${path}/reschedule`, { ...on('2031-01-01'), reason: 'another hall was found' });
    expect(await ids({ venue_id, from: '2031-01-01T00:00:00Z', type: 'event' })).toEqual([event]);
    await http.post(`${path}/cancel`, { reason: 'nobody wants to come' });
    expect(await ids({ venue_id })).toEqual([net]);

    await catalogue.delete(`/v1/venues/${venue_id}`, 1);
    expect(await ids({ venue_id })).toEqual([]);
    await catalogue.post(`/v1/venues/${venue_id}/restore`, {});
    expect(await ids({ venue_id })).toEqual([net]);
  });

  test('nothing in an archived hall', async () => {
    const place = await aPlace();
    const hall = await catalogue.hall({ venue_id: place.venue_id, rows: [{ row: 'A', seats: 2 }] });
    await place.event({ inventory: 'seats', hall_id: hall, capacity: undefined });
    expect(await ids({ venue_id: place.venue_id })).toHaveLength(1);
    await catalogue.delete(`/v1/halls/${hall}`, 1);
    expect(await ids({ venue_id: place.venue_id })).toEqual([]);
  });

  test('an event until it ends; then it is forgotten', async () => {
    const place = await aPlace();
    const { venue_id } = place;
    const now = Date.now();
    const event = await place.event({
      starts_at: new Date(now - 60_000).toISOString(),
      ends_at: new Date(now + 3_600_000).toISOString(),
    });
    expect(await ids({ venue_id })).toEqual([event]);
    await catalogue.database.advanceClock(2 * 3_600_000);
    expect(await ids({ venue_id })).toEqual([]);
    expect(await pruneSearch(catalogue.pool)).toEqual({ pruned: 1, more: false });
    await catalogue.database.setClockOffset(0);
    expect(await ids({ venue_id })).toEqual([]);
  });

  test('holds do not touch it', async () => {
    const place = await aPlace();
    const event = await place.event();
    const read = () => catalogue.pool.query('select ctid::text, xmin::text from search_entries where id = $1', [event]);
    const before = (await read()).rows;
    await catalogue.pool.query(
      'update events set claimed = claimed + 1, inventory_version = inventory_version + 1 where id = $1',
      [event],
    );
    expect((await read()).rows).toEqual(before);
  });
});

describe('pages', () => {
  test.each([{}, { available: true }, { q: 'Blatt' }])('of any size name each once, in one order: %j', async (more) => {
    const place = await aPlace({ name: 'Seitenhaus' });
    const same = on('2030-05-01');
    for (let n = 0; n < 7; n++) await place.event({ name: `Blatt ${n}`, ...(n % 2 ? same : on(`2030-05-0${n + 2}`)) });
    for (let n = 0; n < 3; n++) await place.resource({ name: `Blatt ${n}` });
    const filter = { venue_id: place.venue_id, ...more };
    const all = await ids(filter);
    expect(new Set(all).size).toBe(10);
    for (const limit of [1, 3, 7]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Page<SearchResultJson> = await search({ ...filter, limit, ...(cursor === null ? {} : { cursor }) });
        seen.push(...page.data.map(({ id }) => id));
        expect(page.has_more).toBe(page.next_cursor !== null);
        cursor = page.next_cursor;
      } while (cursor !== null);
      expect(seen).toEqual(all);
    }
  });

  test('a search for something free that finds little looks at so many and goes on with its cursor', async () => {
    const place = await aPlace();
    const { venue_id } = place;
    await catalogue.pool.query(
      `insert into events (id, venue_id, name, starts_at, ends_at, inventory, capacity, claimed, prices)
       select 'evt_0' || lpad(n::text, 25, '0'), $1, 'Ausverkauft', timestamptz '2030-06-01' + n * interval '1 minute',
              timestamptz '2030-06-02' + n * interval '1 minute', 'pool', 1, (n < 600)::int, '[{"category": "standard", "amount": 1}]'
         from generate_series(1, 600) as n`,
      [venue_id],
    );
    const first = await search({ venue_id, available: true });
    expect(first).toMatchObject({ data: [], has_more: true });
    const second = await search({ venue_id, available: true, cursor: first.next_cursor! });
    expect(second).toMatchObject({ has_more: false });
    expect(second.data).toHaveLength(1);
  });
});

test.each<[string, string]>([
  ['limit=0', '?limit'],
  ['limit=101', '?limit'],
  ['limit=x', '?limit'],
  ['type=venue', '?type'],
  ['venue_id=ven_1', '?venue_id'],
  ['from=2030-01-01', '?from'],
  ['from=2030-02-30T00:00:00Z', '?from'],
  ['from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z', '?to'],
  ['min_price=-1', '?min_price'],
  ['min_price=1.5', '?min_price'],
  ['max_price=99999999999999999', '?max_price'],
  ['min_price=2&max_price=1', '?max_price'],
  ['currency=eur', '?currency'],
  ['category=Standard!', '?category'],
  ['type=resource&category=standard', '?category'],
  ['available=yes', '?available'],
  ['q=a&q=b', '?q'],
  ['q[]=a', '?q[]'],
  ['name=a', '?name'],
  ['q=%00', '?q'],
  [`q=${'a'.repeat(201)}`, '?q'],
  ['cursor=x', '?cursor'],
  [`cursor=${Buffer.from('["2030-01-01 00:00:00+00","evt_1"]').toString('base64url')}`, '?cursor'],
  [`cursor=${Buffer.from(`["2030-13-41 00:00:00+00","${newId('evt')}"]`).toString('base64url')}`, '?cursor'],
  [`cursor=${Buffer.from(`["yesterday","${newId('evt')}"]`).toString('base64url')}`, '?cursor'],
])('%s is refused', async (query, pointer) => {
  const reply = await http.get(`/v1/search?${query}`);
  expect(reply).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  expect(pointersOf(reply)).toContain(pointer);
});

describe('with many entries', () => {
  const anything: Omit<SearchFilter, 'terms'> = {
    ...{ kind: null, venueId: null, from: null, to: null, category: null },
    ...{ minPrice: null, maxPrice: null, currency: null, after: null, limit: 21 },
  };
  let venue: string;
  beforeAll(async () => {
    venue = await catalogue.venue({ name: 'Musterhalle Oberndorf' });
    // In parts, for the time that a statement has.
    for (let part = 0; part < 10; part++)
      await catalogue.pool.query(
        `insert into events (id, venue_id, name, starts_at, ends_at, inventory, capacity, prices)
       select 'evt_1' || lpad(n::text, 25, '0'), $1, 'Abend ' || n || ' ' || chr(97 + n % 26) || chr(97 + n / 26 % 26) || 'ton',
              timestamptz '2035-01-01' + n * interval '1 hour', timestamptz '2035-01-01' + (n + 2) * interval '1 hour',
              'pool', 10, '[{"category": "standard", "amount": 1}]'
         from generate_series($2 * 1000 + 1, $2 * 1000 + 1000) as n`,
        [venue, part],
      );
    await catalogue.pool.query('analyze search_entries');
    await catalogue.pool.query('analyze search_vocabulary');
  });

  async function planOf(filter: SearchFilter): Promise<string> {
    const { text, values } = searchStatement(filter);
    const { rows } = await catalogue.pool.query<{ 'QUERY PLAN': unknown }>(`explain (format json) ${text}`, values);
    return JSON.stringify(rows[0]!['QUERY PLAN']);
  }

  test.each<[string, string, Partial<SearchFilter>, string]>([
    ['no text', '', {}, 'search_entries_in_order'],
    ['a range of time', '', { from: new Date('2036-01-01T00:00:00Z') }, 'search_entries_in_order'],
    ['a rare word', 'abton', {}, 'search_entries_document'],
    ['a mistyped word', 'abtno', {}, 'search_entries_document'],
    ['a common word', 'abend', {}, 'search_entries_in_order'],
    [
      'a next page',
      'abend',
      { after: { sortAt: '2036-01-01 00:00:00+00', id: newId('evt') } },
      'search_entries_in_order',
    ],
  ])('%s is found by an index, never by reading all of them', async (_, q, filter, index) => {
    const terms = q === '' ? [] : await readTerms(catalogue.pool, q);
    const plan = await planOf({ ...anything, terms, ...filter });
    expect(plan).toContain(index);
    expect(plan).not.toMatch(/"Node Type":"Seq Scan"[^}]*"Relation Name":"search_entries"/);
  });

  test('a word that was mistyped is compared by the trigram index', async () => {
    const { rows } = await catalogue.pool.query(
      "explain (format json) select word from search_vocabulary where word operator(public.%) 'abtno'",
    );
    expect(JSON.stringify(rows)).toContain('search_vocabulary_similar');
  });
});
