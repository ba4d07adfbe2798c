import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { event, hall, resource, venue } from '@holdfast/shared/contracts/catalogue';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import {
  A_HALL,
  A_POOL,
  A_RESOURCE,
  A_VENUE,
  setupCatalogue,
  type CatalogueFixture,
} from '../testing/catalogue-fixture.ts';
import { pointersOf, serveRoutes } from '../testing/http-fixture.ts';
import { eventRoutes } from './events/routes.ts';

let catalogue: CatalogueFixture;
let venueId: string;
let hallId: string;
beforeAll(async () => {
  catalogue = await setupCatalogue();
  venueId = await catalogue.venue();
  hallId = await catalogue.hall({ venue_id: venueId });
});
afterAll(() => catalogue.stop());

const COLLECTIONS = ['venues', 'resources', 'halls', 'events'] as const;
const PREFIX = { venues: 'ven', resources: 'res', halls: 'hal', events: 'evt' } as const;
const CONTRACT = { venues: venue, resources: resource, halls: hall, events: event };
const bodyFor = {
  venues: () => A_VENUE,
  resources: () => ({ ...A_RESOURCE, venue_id: venueId }),
  halls: () => ({ ...A_HALL, venue_id: venueId }),
  events: () => ({ ...A_POOL, venue_id: venueId }),
};

describe.each(COLLECTIONS)('%s', (collection) => {
  const path = `/v1/${collection}`;

  test('a created one is answered with 201, Location and ETag, and read back to the letter', async () => {
    const created = await catalogue.post(path, bodyFor[collection]());
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.headers.get('location')).toBe(`${path}/${created.body.id}`);
    expect(CONTRACT[collection].parse(created.body)).toEqual(created.body);
    const read = await catalogue.get(created.headers.get('location')!);
    expect(read).toMatchObject({ status: 200, body: created.body });
    expect(read.headers.get('etag')).toBe('"1"');
  });

  test('whoever has the version gets 304 and no body', async () => {
    const { body } = await catalogue.post(path, bodyFor[collection]());
    for (const tag of ['"1"', 'W/"1"', '"0", "1"', '*']) {
      const reply = await catalogue.get(`${path}/${body.id}`, { headers: { 'if-none-match': tag } });
      expect([tag, reply.status, reply.text]).toEqual([tag, 304, '']);
    }
    const other = await catalogue.get(`${path}/${body.id}`, { headers: { 'if-none-match': '"2"' } });
    expect(other.status).toBe(200);
  });

  test('only an admin creates', async () => {
    const before = await catalogue.rowCount();
    expect(await catalogue.post(path, bodyFor[collection](), { as: null })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
    for (const as of ['customer', 'operator'] as const) {
      expect(await catalogue.post(path, bodyFor[collection](), { as })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
    }
    expect(await catalogue.rowCount()).toBe(before);
  });

  test.each(['', 'x', `${'0'.repeat(26)}`, 'UPPER', '%00', '../x', `${'é'.repeat(400)}`])(
    'the strange id %j is not found',
    async (id) => {
      const wellFormed = newId(PREFIX[collection]);
      const strange = [`${PREFIX[collection]}_${id}`, id === '' ? 'usr_x' : id, wellFormed.toUpperCase(), wellFormed];
      for (const candidate of strange) {
        const reply = await catalogue.get(`${path}/${encodeURIComponent(candidate)}`);
        expect([candidate, reply.status]).toEqual([candidate, 404]);
      }
    },
  );

  test.each([
    ['malformed JSON', '{"name": ', 400, 'malformed_json'],
    ['a bare string', '"hello"', 400, 'malformed_json'],
    ['an array', '[]', 422, 'validation_failed'],
    ['nothing', '{}', 422, 'validation_failed'],
    ['more than 64 KiB', JSON.stringify({ name: 'x'.repeat(65 * 1024) }), 413, 'payload_too_large'],
  ])('a body of %s is refused', async (_what, body, status, code) => {
    expect(await catalogue.post(path, body)).toMatchObject({ status, body: { code } });
  });

  test('a body of another type is refused with 415', async () => {
    const reply = await catalogue.post(path, 'name=x', { headers: { 'content-type': 'text/plain' } });
    expect(reply).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('an unknown field is refused with a pointer to it', async () => {
    const reply = await catalogue.post(path, { ...bodyFor[collection](), 'a/b': 1, admin: true });
    expect(reply.status).toBe(422);
    expect(pointersOf(reply)).toEqual(['/a~1b', '/admin']);
  });

  test.each(['', ' ', 'x'.repeat(201), 'a\u0000b', 'a\u202eb', '\ud800', 7, null])(
    'the name %j is refused',
    async (name) => {
      const reply = await catalogue.post(path, { ...bodyFor[collection](), name });
      expect([reply.status, pointersOf(reply)]).toEqual([422, ['/name']]);
    },
  );

  test('one Idempotency-Key creates once, in parallel too, and answers alike', async () => {
    const headers = { 'idempotency-key': `key-${collection}` };
    const body = bodyFor[collection]();
    const replies = await Promise.all(Array.from({ length: 8 }, () => catalogue.post(path, body, { headers })));
    expect(new Set(replies.map((reply) => reply.text)).size).toBe(1);
    expect(replies.map((reply) => reply.status)).toEqual(Array(8).fill(201));
    expect(replies.filter((reply) => reply.headers.get('idempotent-replayed') === null)).toHaveLength(1);

    const again = await catalogue.post(path, body, { headers: { 'idempotency-key': `"key-${collection}"` } });
    expect(again.text).toBe(replies[0]!.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(replies[0]!.headers.get('location'));
    expect(again.headers.get('etag')).toBe('"1"');

    const other = await catalogue.post(path, { ...body, name: 'Another' }, { headers });
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  test('a refusal leaves nothing behind and does not burn the key', async () => {
    const headers = { 'idempotency-key': `refused-${collection}` };
    const before = await catalogue.rowCount();
    const wrong = {
      ...bodyFor[collection](),
      ...(collection === 'venues' ? { currency: 'gbp' } : { venue_id: newId('ven') }),
    };
    expect((await catalogue.post(path, wrong, { headers })).status).toBe(422);
    expect(await catalogue.rowCount()).toBe(before);
    expect((await catalogue.post(path, bodyFor[collection](), { headers })).status).toBe(201);
  });

  test('an unusable Idempotency-Key is refused with 400', async () => {
    const reply = await catalogue.post(path, bodyFor[collection](), { headers: { 'idempotency-key': 'a b' } });
    expect(reply).toMatchObject({ status: 400, body: { code: 'idempotency_key_invalid' } });
  });

  test('pages go through all that are not archived, oldest first, each once', async () => {
    const fresh = await setupPages(collection);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`;
      const { status, body } = await catalogue.get(`${path}${query}${fresh.filter}`);
      expect([status, body.object, body.data.length <= 2]).toEqual([200, 'list', true]);
      expect(body.has_more).toBe(body.next_cursor !== null);
      seen.push(...body.data.map(({ id }) => id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(seen.filter((id) => fresh.all.includes(id))).toEqual(fresh.listed);
    expect((await catalogue.get(`${path}/${fresh.archived}`)).body.archived_at).not.toBeNull();
  });

  test.each([
    '?limit=0',
    '?limit=101',
    '?limit=2.5',
    '?limit=x',
    '?limit=1&limit=2',
    '?cursor=x',
    `?cursor=${Buffer.from('["1"]').toString('base64url')}`,
    `?cursor=${Buffer.from('["2026-02-30","x"]').toString('base64url')}`,
    `?cursor=${Buffer.from('["99999999999999999999","ven_01h455vb4pex5vsknk084sn02q"]').toString('base64url')}`,
    '?cursor=%00',
    '?page=2',
    ...(collection === 'venues' ? ['?venue_id=ven_01h455vb4pex5vsknk084sn02q'] : ['?venue_id=nonsense', '?venue_id=']),
  ])('the query %s is refused', async (query) => {
    expect(await catalogue.get(`${path}${query}`)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  });
});

/** Five objects, all made in the same microsecond but one, of which one is archived. */
async function setupPages(collection: (typeof COLLECTIONS)[number]) {
  const ownVenue = await catalogue.venue();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const body = { ...bodyFor[collection](), ...(collection === 'venues' ? {} : { venue_id: ownVenue }) };
    ids.push((await catalogue.post(`/v1/${collection}`, body)).body.id);
  }
  await catalogue.pool.query(
    `update ${collection} set created_at = timestamptz '2099-01-01' + interval '1.000001 seconds' where id = any ($1)`,
    [ids],
  );
  await catalogue.pool.query(`update ${collection} set archived_at = clock.app_now() where id = $1`, [ids[1]]);
  await catalogue.pool.query(
    `update ${collection} set created_at = created_at - interval '1 microsecond' where id = $1`,
    [ids[4]],
  );
  return {
    all: ids,
    archived: ids[1]!,
    listed: [ids[4]!, ids[0]!, ids[2]!, ids[3]!],
    filter: collection === 'venues' ? '' : `&venue_id=${ownVenue}`,
  };
}

describe('a venue', () => {
  test('without a refund policy gets the usual one, with one keeps it', async () => {
    const { body } = await catalogue.post('/v1/venues', A_VENUE);
    expect(body.refund_policy).toEqual([
      { hours_before: 24, percent: 100 },
      { hours_before: 6, percent: 50 },
    ]);
    const policy = [{ hours_before: 0, percent: 10 }];
    expect((await catalogue.post('/v1/venues', { ...A_VENUE, refund_policy: policy })).body.refund_policy).toEqual(
      policy,
    );
    expect((await catalogue.post('/v1/venues', { ...A_VENUE, refund_policy: [] })).body.refund_policy).toEqual([]);
  });

  test.each([
    [{ time_zone: 'Mars/Olympus' }, '/time_zone'],
    [{ time_zone: '+01:00' }, '/time_zone'],
    [{ currency: 'eur' }, '/currency'],
    [{ refund_policy: [{ hours_before: 24, percent: 101 }] }, '/refund_policy/0/percent'],
    [{ refund_policy: [{ hours_before: -1, percent: 1 }] }, '/refund_policy/0/hours_before'],
    [
      {
        refund_policy: [
          { hours_before: 1, percent: 1 },
          { hours_before: 1, percent: 2 },
        ],
      },
      '/refund_policy',
    ],
  ])('with %j is refused', async (wrong, pointer) => {
    const reply = await catalogue.post('/v1/venues', { ...A_VENUE, ...wrong });
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });
});

describe('a resource', () => {
  test('shows the time zone of its venue and its limits', async () => {
    const { body } = await catalogue.post('/v1/resources', { ...bodyFor.resources(), max_slots: 4 });
    expect(body).toMatchObject({
      time_zone: 'Europe/London',
      min_slots: 1,
      max_slots: 4,
      price_per_slot: { amount: 1200, currency: 'GBP' },
    });
  });

  test('keeps the largest amount that JSON holds exactly', async () => {
    const amount = Number.MAX_SAFE_INTEGER;
    const price = { amount, currency: 'GBP' };
    const { body } = await catalogue.post('/v1/resources', { ...bodyFor.resources(), price_per_slot: price });
    expect(body.price_per_slot).toEqual(price);
  });

  test.each([
    [{ slot_minutes: 4 }, '/slot_minutes'],
    [{ slot_minutes: 30.5 }, '/slot_minutes'],
    [{ min_slots: 3, max_slots: 2 }, '/max_slots'],
    [{ opening_hours: [] }, '/opening_hours'],
    [{ opening_hours: [{ day: 'mon', opens: '0800', closes: '10:00' }] }, '/opening_hours/0/opens'],
    [{ opening_hours: [{ day: 'mon', opens: '10:00', closes: '10:00' }] }, '/opening_hours/0/closes'],
    [{ opening_hours: [{ day: 'mon', opens: '10:00', closes: '24:30' }] }, '/opening_hours/0/closes'],
    [{ opening_hours: [{ day: 'monday', opens: '10:00', closes: '11:00' }] }, '/opening_hours/0/day'],
    [{ price_per_slot: { amount: 1.5, currency: 'GBP' } }, '/price_per_slot/amount'],
    [{ price_per_slot: { amount: -1, currency: 'GBP' } }, '/price_per_slot/amount'],
    [{ price_per_slot: { amount: 1, currency: 'EUR' } }, '/price_per_slot/currency'],
    [{ venue_id: 'ven_nonsense' }, '/venue_id'],
    [{ venue_id: newId('ven') }, '/venue_id'],
    [{ venue_id: newId('res') }, '/venue_id'],
  ])('with %j is refused', async (wrong, pointer) => {
    const reply = await catalogue.post('/v1/resources', { ...bodyFor.resources(), ...wrong });
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });

  test('with hours that overlap on one day is refused', async () => {
    const opening_hours = [
      { day: 'mon', opens: '08:00', closes: '12:00' },
      { day: 'mon', opens: '11:59', closes: '13:00' },
    ];
    const reply = await catalogue.post('/v1/resources', { ...bodyFor.resources(), opening_hours });
    expect([reply.status, pointersOf(reply)]).toEqual([422, ['/opening_hours/1']]);
  });
});

describe('a hall', () => {
  test('counts its seats and fills in what is left out', async () => {
    const { body } = await catalogue.get(`/v1/halls/${hallId}`);
    expect(body.seat_count).toBe(5);
    expect(body.rows[1]).toEqual({ row: 'B', seats: 2, category: 'standard', accessible: [] });
  });

  test.each([
    [[], '/rows'],
    [[{ row: 'A-1', seats: 1 }], '/rows/0/row'],
    [[{ row: 'A', seats: 0 }], '/rows/0/seats'],
    [
      [
        { row: 'A', seats: 1 },
        { row: 'A', seats: 1 },
      ],
      '/rows/1/row',
    ],
    [[{ row: 'A', seats: 2, accessible: [3] }], '/rows/0/accessible/0'],
    [[{ row: 'A', seats: 2, category: 'Première' }], '/rows/0/category'],
  ])('with rows %j is refused', async (rows, pointer) => {
    const reply = await catalogue.post('/v1/halls', { ...bodyFor.halls(), rows });
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });
});

describe('an event', () => {
  const withSeats = () => ({
    venue_id: venueId,
    name: 'Hamlet',
    starts_at: '2030-01-04T18:00:00+01:00',
    ends_at: '2030-01-04T21:00:00Z',
    inventory: 'seats',
    hall_id: hallId,
    prices: [
      { category: 'premium', amount: 9000 },
      { category: 'standard', amount: 4500 },
    ],
  });

  test('with seats takes its capacity from the hall and its time zone and currency from the venue', async () => {
    const { status, body } = await catalogue.post('/v1/events', withSeats());
    expect(status).toBe(201);
    expect(body).toMatchObject({
      hall_id: hallId,
      capacity: 5,
      numbered: false,
      currency: 'GBP',
      time_zone: 'Europe/London',
      starts_at: '2030-01-04T17:00:00.000Z',
      pricing: 'list',
      max_per_booking: null,
    });
  });

  test('of a pool may number its places', async () => {
    const { body } = await catalogue.post('/v1/events', { ...bodyFor.events(), numbered: true, max_per_booking: 4 });
    expect(body).toMatchObject({ hall_id: null, capacity: 50, numbered: true, max_per_booking: 4 });
  });

  test.each([
    ['a hall that is unknown', () => ({ hall_id: newId('hal') }), '/hall_id'],
    ['a hall of another venue', async () => ({ hall_id: await catalogue.hall() }), '/hall_id'],
    ['a category without a price', () => ({ prices: [{ category: 'premium', amount: 1 }] }), '/prices'],
    ['a capacity', () => ({ capacity: 10 }), '/capacity'],
    ['prices of no known kind', () => ({ pricing: 'auction' }), '/pricing'],
    ['numbered places', () => ({ numbered: true }), '/numbered'],
    ['no hall', () => ({ hall_id: undefined }), '/hall_id'],
  ])('with seats and %s is refused', async (_what, wrong, pointer) => {
    const reply = await catalogue.post('/v1/events', { ...withSeats(), ...(await wrong()) });
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });

  test.each([
    [{ capacity: undefined }, '/capacity'],
    [{ capacity: 0 }, '/capacity'],
    [{ hall_id: newId('hal') }, '/hall_id'],
    [{ ends_at: '2030-01-04T18:00:00Z' }, '/ends_at'],
    [{ starts_at: '2030-01-04T18:00:00' }, '/starts_at'],
    [{ starts_at: '2029-02-30T18:00:00Z' }, '/starts_at'],
    [{ starts_at: '0000-01-01T00:00:00+01:00' }, '/starts_at'],
    [{ ends_at: '9999-12-31T23:59:59-01:00' }, '/ends_at'],
    [{ prices: [] }, '/prices'],
    [
      {
        prices: [
          { category: 'a', amount: 1 },
          { category: 'a', amount: 2 },
        ],
      },
      '/prices/1/category',
    ],
    [{ inventory: 'slots' }, '/inventory'],
    [{ pricing: 'free' }, '/pricing'],
    [{ max_per_booking: 0 }, '/max_per_booking'],
  ])('of a pool with %j is refused', async (wrong, pointer) => {
    const reply = await catalogue.post('/v1/events', { ...bodyFor.events(), ...wrong });
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });

  test('refers to nothing that is archived', async () => {
    const archivedVenue = await catalogue.venue();
    const hallOfIt = await catalogue.hall({ venue_id: archivedVenue });
    const archivedHall = await catalogue.hall({ venue_id: venueId });
    await catalogue.pool.query('update venues set archived_at = clock.app_now() where id = $1', [archivedVenue]);
    await catalogue.pool.query('update halls set archived_at = clock.app_now() where id = $1', [archivedHall]);
    const inArchivedVenue = { venue_id: archivedVenue, hall_id: hallOfIt };
    const cases = [
      await catalogue.post('/v1/events', { ...withSeats(), ...inArchivedVenue }),
      await catalogue.post('/v1/halls', { ...bodyFor.halls(), venue_id: archivedVenue }),
      await catalogue.post('/v1/resources', { ...bodyFor.resources(), venue_id: archivedVenue }),
      await catalogue.post('/v1/events', { ...withSeats(), hall_id: archivedHall }),
    ];
    expect(cases.map((reply) => [reply.status, ...pointersOf(reply)])).toEqual([
      [422, '/venue_id'],
      [422, '/venue_id'],
      [422, '/venue_id'],
      [422, '/hall_id'],
    ]);
  });
});

describe('an event with quoted prices', () => {
  test('says what becomes of it without a quote: refused unless it is told otherwise', async () => {
    const event = (body: object) => catalogue.post('/v1/events', { ...A_POOL, venue_id: venueId, ...body });
    const fields = async (body: object) => {
      const { pricing, quote_fallback } = (await event(body)).body as unknown as Record<string, string>;
      return [pricing, quote_fallback];
    };
    expect(await fields({ pricing: 'quoted' })).toEqual(['quoted', 'refuse']);
    expect(await fields({ pricing: 'quoted', quote_fallback: 'list' })).toEqual(['quoted', 'list']);
    expect(pointersOf(await event({ pricing: 'quoted', quote_fallback: 'free' }))).toEqual(['/quote_fallback']);
    const id = await catalogue.event({ venue_id: venueId });
    const changed = await catalogue.patch(`/v1/events/${id}`, 1, { pricing: 'quoted', quote_fallback: 'list' });
    expect(changed.body).toMatchObject({ pricing: 'quoted', quote_fallback: 'list' });
  });

  test('cannot be made where there is nobody to ask; one from before can still be changed', async () => {
    const id = await catalogue.event({ venue_id: venueId, pricing: 'quoted' });
    const logger = createLogger({ service: 'booking-test', level: 'silent' });
    const without = await serveRoutes(eventRoutes({ pool: catalogue.pool, logger, quoting: false }));
    const refused = await without.post('/v1/events', { ...A_POOL, venue_id: venueId, pricing: 'quoted' });
    expect([refused.status, pointersOf(refused)]).toEqual([422, ['/pricing']]);
    const list = await catalogue.event({ venue_id: venueId });
    expect((await without.patch(`/v1/events/${list}`, 1, { pricing: 'quoted' })).status).toBe(422);
    expect((await without.patch(`/v1/events/${id}`, 1, { name: 'Night ride, again' })).status).toBe(200);
    await without.stop();
  });
});

describe('the tables refuse what the code would never write', () => {
  test.each([
    ['events_claimed_within_capacity', 'update events set claimed = capacity + 1 where id = $1'],
    ['events_claimed_within_capacity', 'update events set claimed = -1 where id = $1'],
    ['events_seats_have_a_hall', "update events set inventory = 'seats' where id = $1"],
    ['events_end_after_start', 'update events set ends_at = starts_at where id = $1'],
    ['events_capacity_is_positive', 'update events set capacity = 0 where id = $1'],
  ])('%s: %s', async (constraint, sql) => {
    const id = await catalogue.event({ venue_id: venueId });
    await expect(catalogue.pool.query(sql, [id])).rejects.toMatchObject({ constraint });
  });
});
