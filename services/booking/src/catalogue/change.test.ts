import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { event, hall, resource, venue } from '@holdfast/shared/contracts/catalogue';
import { newId } from '@holdfast/shared/ids';
import {
  A_HALL,
  A_POOL,
  A_RESOURCE,
  setupCatalogue,
  type CatalogueFixture,
  type CatalogueKindName,
} from '../testing/catalogue-fixture.ts';
import { pointersOf } from '../testing/http-fixture.ts';

let catalogue: CatalogueFixture;
beforeAll(async () => {
  catalogue = await setupCatalogue();
});
afterAll(() => catalogue.stop());

const COLLECTIONS: readonly CatalogueKindName[] = ['venues', 'resources', 'halls', 'events'];
const CONTRACT = { venues: venue, resources: resource, halls: hall, events: event };

describe.each(COLLECTIONS)('PATCH of %s', (collection) => {
  const create = async () => `/v1/${collection}/${await catalogue.create(collection)}`;

  test('changes what is named and nothing else, under the next version', async () => {
    const path = await create();
    const before = (await catalogue.get(path)).body;
    const reply = await catalogue.patch(path, 1, { name: 'Another name' });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('etag')).toBe('"2"');
    expect(CONTRACT[collection].parse(reply.body)).toEqual(reply.body);
    expect(reply.body).toEqual({
      ...before,
      name: 'Another name',
      version: 2,
      updated_at: (reply.body as unknown as { updated_at: string }).updated_at,
    });
    expect((await catalogue.get(path)).body).toEqual(reply.body);
  });

  test.each([
    ['nothing', {}],
    ['a star', { 'if-match': '*' }],
    ['nothing but space', { 'if-match': ' ' }],
  ])('with %s as If-Match is 428', async (_what, headers) => {
    const path = await create();
    expect(await catalogue.patch(path, null, { name: 'x' }, { headers })).toMatchObject({
      status: 428,
      body: { code: 'version_required' },
    });
    expect((await catalogue.get(path)).body.version).toBe(1);
  });

  test.each(['"2"', 'W/"1"', '1', '"01"', '"x"'])('with the If-Match %s is 412', async (tag) => {
    const path = await create();
    expect(await catalogue.patch(path, null, { name: 'x' }, { headers: { 'if-match': tag } })).toMatchObject({
      status: 412,
      body: { code: 'version_mismatch' },
    });
    expect((await catalogue.get(path)).body.version).toBe(1);
  });

  test('of many at once with one version, one wins', async () => {
    const path = await create();
    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, index) => catalogue.patch(path, 1, { name: `Name ${index}` })),
    );
    expect(replies.map((reply) => reply.status).sort((a, b) => a - b)).toEqual([200, 412, 412, 412, 412, 412]);
    const winner = replies.find((reply) => reply.status === 200)!;
    expect((await catalogue.get(path)).body.name).toBe(winner.body.name);
  });

  test.each([
    ['no object', [], ['/']],
    ['no field', {}, ['/']],
    ['an unknown field', { colour: 'red' }, ['/colour']],
    ['a field that only we set', { version: 7 }, ['/version']],
    ['a wrong value', { name: '' }, ['/name']],
    ['null for what must be there', { name: null }, ['/name']],
  ])('with %s is refused with a pointer', async (_what, body, pointers) => {
    const path = await create();
    const reply = await catalogue.patch(path, 1, body);
    expect([reply.status, pointersOf(reply)]).toEqual([422, pointers]);
    expect((await catalogue.get(path)).body.version).toBe(1);
  });

  test('is for admins', async () => {
    const path = await create();
    expect((await catalogue.patch(path, 1, { name: 'x' }, { as: null })).status).toBe(401);
    expect((await catalogue.patch(path, 1, { name: 'x' }, { as: 'operator' })).status).toBe(403);
    expect((await catalogue.delete(path, 1, { as: 'customer' })).status).toBe(403);
    expect((await catalogue.post(`${path}/restore`, {}, { as: 'operator' })).status).toBe(403);
  });

  test('of what is not there is 404', async () => {
    const prefix = { venues: 'ven', resources: 'res', halls: 'hal', events: 'evt' } as const;
    for (const id of [newId(prefix[collection]), 'x', newId('usr')]) {
      const path = `/v1/${collection}/${id}`;
      expect((await catalogue.patch(path, 1, { name: 'x' })).status).toBe(404);
      expect((await catalogue.delete(path, 1)).status).toBe(404);
      expect((await catalogue.post(`${path}/restore`, {})).status).toBe(404);
    }
  });
});

describe('the currency of a venue', () => {
  test('changes while nothing is priced in it', async () => {
    const path = `/v1/venues/${await catalogue.venue()}`;
    expect(await catalogue.patch(path, 1, { currency: 'EUR' })).toMatchObject({ status: 200 });
  });

  test('stays once there is a resource', async () => {
    const id = await catalogue.venue();
    await catalogue.resource({ venue_id: id });
    const reply = await catalogue.patch(`/v1/venues/${id}`, 1, { currency: 'EUR' });
    expect([reply.status, pointersOf(reply)]).toEqual([422, ['/currency']]);
  });
});

test('null gives an optional field its default back', async () => {
  const venuePath = `/v1/venues/${await catalogue.venue({ refund_policy: [] })}`;
  expect((await catalogue.patch(venuePath, 1, { refund_policy: null })).body.refund_policy).toHaveLength(2);
  const resourcePath = `/v1/resources/${await catalogue.resource({ max_slots: 4, min_slots: 2 })}`;
  expect((await catalogue.patch(resourcePath, 1, { max_slots: null, min_slots: null })).body).toMatchObject({
    max_slots: null,
    min_slots: 1,
  });
});

describe('a resource', () => {
  test('is checked as a whole: a limit that the other one forbids is refused', async () => {
    const path = `/v1/resources/${await catalogue.resource({ min_slots: 3 })}`;
    expect(pointersOf(await catalogue.patch(path, 1, { max_slots: 2 }))).toEqual(['/max_slots']);
  });

  test.each([
    ['venue_id', { venue_id: newId('ven') }, ['/venue_id']],
    ['price_per_slot', { price_per_slot: { amount: 1, currency: 'EUR' } }, ['/price_per_slot/currency']],
    ['exceptions', { exceptions: [{ date: '2030-02-30', closed: true }] }, ['/exceptions/0/date']],
    ['exceptions', { exceptions: [{ date: '2030-02-01' }] }, ['/exceptions/0/hours']],
    ['exceptions', { exceptions: [{ date: '2030-02-01', closed: false }] }, ['/exceptions/0/closed']],
    [
      'exceptions',
      { exceptions: [{ date: '2030-02-01', closed: true, hours: [{ opens: '08:00', closes: '09:00' }] }] },
      ['/exceptions/0/hours'],
    ],
    [
      'exceptions',
      { exceptions: [{ date: '2030-02-01', hours: [{ opens: '09:00', closes: '09:00' }] }] },
      ['/exceptions/0/hours/0/closes'],
    ],
    [
      'exceptions',
      {
        exceptions: [
          { date: '2030-02-01', closed: true },
          { date: '2030-02-01', closed: true },
        ],
      },
      ['/exceptions/1/date'],
    ],
  ])('with a wrong %s is refused', async (_field, body, pointers) => {
    const path = `/v1/resources/${await catalogue.resource()}`;
    const reply = await catalogue.patch(path, 1, body);
    expect([reply.status, pointersOf(reply)]).toEqual([422, pointers]);
  });

  test('is closed on the dates of its exceptions, and open at their hours, as soon as they are set', async () => {
    const id = await catalogue.resource();
    const slotsOn = async (date: string) =>
      (await catalogue.get(`/v1/resources/${id}/availability?date=${date}`)).body.slots.map(
        ({ starts_at }) => starts_at,
      );
    // Two Mondays and a Tuesday in London's winter.
    expect(await slotsOn('2030-01-07')).toHaveLength(4);
    const exceptions = [
      { date: '2030-01-07', closed: true },
      { date: '2030-01-08', hours: [{ opens: '20:00', closes: '22:00' }] },
    ];
    expect((await catalogue.patch(`/v1/resources/${id}`, 1, { exceptions })).body).toMatchObject({ exceptions });
    expect(await slotsOn('2030-01-07')).toEqual([]);
    expect(await slotsOn('2030-01-08')).toEqual(['2030-01-08T20:00:00.000Z', '2030-01-08T21:00:00.000Z']);
    expect(await slotsOn('2030-01-14')).toHaveLength(4);
  });
});

describe('a hall', () => {
  const rows = [{ row: 'A', seats: 9, category: 'premium', accessible: [] }];
  const prices = [
    { category: 'premium', amount: 1 },
    { category: 'standard', amount: 1 },
  ];

  test('gets other seats while no event is to come', async () => {
    const path = `/v1/halls/${await catalogue.hall()}`;
    expect((await catalogue.patch(path, 1, { rows })).body).toMatchObject({ rows, seat_count: 9, version: 2 });
  });

  test('keeps its seats while one is, but not its name', async () => {
    const venue_id = await catalogue.venue();
    const hall_id = await catalogue.hall({ venue_id });
    await catalogue.event({ venue_id, hall_id, inventory: 'seats', capacity: undefined, prices });
    expect(await catalogue.patch(`/v1/halls/${hall_id}`, 1, { rows })).toMatchObject({
      status: 409,
      body: { code: 'in_use' },
    });
    expect((await catalogue.patch(`/v1/halls/${hall_id}`, 1, { name: 'Small hall' })).status).toBe(200);
  });

  test('leaves an event of the past the seats that it sold', async () => {
    const venue_id = await catalogue.venue();
    const hall_id = await catalogue.hall({ venue_id });
    const times = { starts_at: '2020-01-01T00:00:00Z', ends_at: '2020-01-01T01:00:00Z' };
    const past = { venue_id, hall_id, inventory: 'seats', capacity: undefined, prices, ...times };
    const first = await catalogue.event(past);
    expect((await catalogue.patch(`/v1/halls/${hall_id}`, 1, { name: 'Renamed' })).status).toBe(200);
    expect((await catalogue.patch(`/v1/halls/${hall_id}`, 2, { rows })).status).toBe(200);
    const second = await catalogue.event(past);
    const labels = async (id: string) =>
      (await catalogue.get(`/v1/events/${id}/availability`)).body.seats.map(({ label }) => label);
    expect(await labels(first)).toEqual(['A-1', 'A-2', 'A-3', 'B-1', 'B-2']);
    expect(await labels(second)).toHaveLength(9);
  });
});

describe('an event', () => {
  test('keeps venue, inventory, hall and numbering; to repeat them is no change', async () => {
    const id = await catalogue.event();
    const { body } = await catalogue.get(`/v1/events/${id}`);
    const { venue_id } = body as unknown as { venue_id: string };
    const same = { venue_id, inventory: 'pool', numbered: false, name: 'Other' };
    expect((await catalogue.patch(`/v1/events/${id}`, 1, same)).status).toBe(200);
    const others = { venue_id: newId('ven'), inventory: 'seats', hall_id: newId('hal'), numbered: true };
    for (const [field, value] of Object.entries(others)) {
      const reply = await catalogue.patch(`/v1/events/${id}`, 2, { [field]: value });
      expect([field, reply.status, pointersOf(reply)]).toEqual([field, 422, [`/${field}`]]);
    }
  });

  test('of a hall has the capacity of the hall and prices for all of its seats', async () => {
    const venue_id = await catalogue.venue();
    const hall_id = await catalogue.hall({ venue_id });
    const prices = ['premium', 'standard'].map((category) => ({ category, amount: 100 }));
    const id = await catalogue.event({ venue_id, hall_id, inventory: 'seats', capacity: undefined, prices });
    const refused = async (body: object) => pointersOf(await catalogue.patch(`/v1/events/${id}`, 1, body));
    expect(await refused({ capacity: 4 })).toEqual(['/capacity']);
    expect(await refused({ prices: [{ category: 'standard', amount: 1 }] })).toEqual(['/prices']);
    expect(await refused({ house_blocks: ['A-1', 'A-4', 'B-2', 'C-1'] })).toEqual([
      '/house_blocks/1',
      '/house_blocks/3',
    ]);
    expect(await refused({ house_blocks: ['A-1', 'A-1'] })).toEqual(['/house_blocks/1']);
    expect(await refused({ ends_at: '2030-01-04T18:00:00Z' })).toEqual(['/ends_at']);
    expect(await refused({ sales_open_at: '2030-01-02T00:00:00Z', sales_close_at: '2030-01-01T00:00:00Z' })).toEqual([
      '/sales_close_at',
    ]);
    const reply = await catalogue.patch(`/v1/events/${id}`, 1, { house_blocks: ['A-1', 'B-2'] });
    expect(reply.status).toBe(200);
    const { counts, seats } = (await catalogue.get(`/v1/events/${id}/availability`)).body;
    expect(counts).toEqual({ available: 3, locked: 2, booked: 0 });
    expect(seats.map(({ status }) => status)).toEqual(['LOCKED', 'AVAILABLE', 'AVAILABLE', 'AVAILABLE', 'LOCKED']);
    expect((await catalogue.patch(`/v1/events/${id}`, 2, { house_blocks: null })).status).toBe(200);
    expect((await catalogue.get(`/v1/events/${id}/availability`)).body.counts.available).toBe(5);
  });

  test('of a pool never gets a capacity below what is claimed, which the table says as well', async () => {
    const id = await catalogue.event({ capacity: 10 });
    await catalogue.pool.query('update events set claimed = 4 where id = $1', [id]);
    expect(await catalogue.patch(`/v1/events/${id}`, 1, { capacity: 3 })).toMatchObject({
      status: 409,
      body: { code: 'in_use', detail: '4 places are claimed' },
    });
    expect((await catalogue.patch(`/v1/events/${id}`, 1, { capacity: 4 })).body).toMatchObject({ capacity: 4 });
    expect((await catalogue.get(`/v1/events/${id}/availability`)).body.counts.available).toBe(0);
  });
});

test('bodies that create everything that can be created are accepted again as patches', async () => {
  for (const [collection, body] of [
    ['halls', A_HALL],
    ['resources', A_RESOURCE],
    ['events', A_POOL],
  ] as const) {
    const path = `/v1/${collection}/${await catalogue.create(collection)}`;
    expect([collection, (await catalogue.patch(path, 1, body)).status]).toEqual([collection, 200]);
  }
});

describe('the audit log', () => {
  test('has each change with its values before and after', async () => {
    const id = await catalogue.venue({ name: 'First' });
    const path = `/v1/venues/${id}`;
    await catalogue.patch(path, 1, { name: 'Second' });
    await catalogue.patch(path, 1, { name: 'Stale' });
    await catalogue.delete(path, 2);
    await catalogue.post(`${path}/restore`, {});
    const { body } = await catalogue.get(`/internal/audit?entity=${id}`, { as: 'operator' });
    const entries = body.data as unknown as {
      action: string;
      role: string;
      entity: object;
      request_id: string;
      before: { name: string; version: number } | null;
      after: { name: string; version: number };
    }[];
    expect(
      entries.map((entry) => [entry.action, entry.before?.name, entry.before?.version, entry.after.version]),
    ).toEqual([
      ['restore', 'Second', 3, 4],
      ['archive', 'Second', 2, 3],
      ['update', 'First', 1, 2],
      ['create', undefined, undefined, 1],
    ]);
    expect(entries[0]).toMatchObject({ role: 'admin', entity: { kind: 'venue', id } });
    expect(entries[0]!.request_id).toMatch(/^req_/);
  });

  test('is read page by page, by operators and admins only', async () => {
    const id = await catalogue.venue();
    await catalogue.patch(`/v1/venues/${id}`, 1, { name: 'Second' });
    const first = (await catalogue.get(`/internal/audit?entity=${id}&limit=1`, { as: 'admin' })).body;
    const next = `/internal/audit?entity=${id}&limit=1&cursor=${first.next_cursor}`;
    const second = (await catalogue.get(next, { as: 'admin' })).body;
    expect([first.has_more, second.has_more]).toEqual([true, false]);
    expect(first.data[0]!.id > second.data[0]!.id).toBe(true);
    expect((await catalogue.get('/internal/audit', { as: 'customer' })).status).toBe(403);
    expect((await catalogue.get('/internal/audit')).status).toBe(401);
  });

  test.each(['update audit_log set actor = $$x$$', 'delete from audit_log', 'truncate audit_log'])(
    'refuses %s',
    async (statement) => {
      await expect(catalogue.pool.query(statement)).rejects.toThrow('the audit log is only added to');
    },
  );
});
