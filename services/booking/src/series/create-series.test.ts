import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type ResourceId } from '@holdfast/shared/ids';
import { aCustomer, aHold } from '../testing/booking-fixture.ts';
import { aSeries, localIn, SERIES_LIMITS, setupSeries, type SeriesFixture } from '../testing/series-fixture.ts';

let fixture: SeriesFixture;
let resource: ResourceId;
beforeAll(async () => {
  fixture = await setupSeries();
});
afterAll(() => fixture.stop());

const utc = (local: string) => `${local}:00.000Z`;

/** A single booking of the resource that begins at this local time in UTC. */
async function book(startsAt: string, minutes = 60): Promise<void> {
  const starts = utc(startsAt);
  const [result] = await fixture.booking.settle(
    aHold({
      resource_id: resource,
      starts_at: starts,
      ends_at: new Date(Date.parse(starts) + minutes * 60_000).toISOString(),
    }),
  );
  expect(result!.kind).toBe('answered');
}

async function nothingIsLeft<T>(work: () => Promise<T>): Promise<T> {
  const count = async () => {
    const { rows } = await fixture.booking.pool.query<{ n: number }>('select count(*)::int as n from series');
    return { ...(await fixture.booking.footprint()), series: rows[0]!.n };
  };
  const before = await count();
  const result = await work();
  expect(await count()).toEqual(before);
  return result;
}

describe('when every occurrence is free', () => {
  beforeAll(async () => {
    resource = await fixture.resource();
  });

  test('a preview gives one verdict each, the price of all, and holds nothing', async () => {
    const user = fixture.customer();
    const preview = await nothingIsLeft(() =>
      fixture.post('/v1/series/preview', aSeries(resource, { exceptions: [localIn(14)] }), { user }),
    );
    expect([preview.status, preview.body.counts]).toEqual([200, { free: 7, conflict: 0, closed: 0, excepted: 1 }]);
    expect(preview.body.price).toEqual({ amount: 7 * 2400, currency: 'EUR' });
    expect(preview.body.occurrences.slice(0, 2)).toEqual([
      {
        ...{ occurrence: localIn(7), starts_at: utc(localIn(7)), ends_at: utc(localIn(7, '19:00')), verdict: 'free' },
        ...{ code: null, conflicts: [], price: { amount: 2400, currency: 'EUR' } },
      },
      expect.objectContaining({ occurrence: localIn(14), verdict: 'excepted', price: null }),
    ]);
  });

  test('what begins in the window is HELD with its claims, the rest is PENDING and holds nothing', async () => {
    const user = fixture.customer();
    const { status, headers, body } = await fixture.post('/v1/series', aSeries(resource), { user });
    expect([status, headers.get('location')]).toEqual([201, `/v1/series/${body.id}`]);
    expect([body.status, body.counts]).toEqual(['ACTIVE', { HELD: 4, PENDING: 4 }]);
    expect(body.next_occurrence_at).toBe(utc(localIn(7)));
    for (const { booking } of body.occurrences.slice(0, 4)) {
      expect(Date.parse(booking!.hold_expires_at!) - Date.parse(body.server_now)).toBeGreaterThan(
        2 * 86_400_000 - 5_000,
      );
    }
    const { rows: claims } = await fixture.booking.pool.query<{ id: string }>(
      'select booking_id as id from slot_claims where resource_id = $1 and released_at is null order by during',
      [resource],
    );
    expect(claims.map(({ id }) => id)).toEqual(body.occurrences.slice(0, 4).map(({ booking }) => booking!.id));
    const { rows: steps } = await fixture.booking.pool.query<{ step: string; n: number }>(
      `select concat_ws(' ', from_status, to_status) as step, count(*)::int as n
         from booking_history h join bookings b on b.id = h.booking_id
        where b.series_id = $1 group by 1 order by 1`,
      [body.id],
    );
    expect(steps).toEqual([
      { step: 'PENDING', n: 8 },
      { step: 'PENDING HELD', n: 4 },
    ]);
  });

  test('the same key is the same series, to the letter, also for ten callers at once', async () => {
    const user = fixture.customer();
    const series = aSeries(await fixture.resource(), { rrule: 'FREQ=DAILY;COUNT=3' });
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => fixture.post('/v1/series', series, { user, key: 'once' })),
    );
    const made = replies.filter(({ status }) => status === 201);
    expect(replies.filter(({ status }) => status !== 201).map(({ body }) => body.code)).toEqual(
      Array(10 - made.length).fill('idempotency_in_progress'),
    );
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    expect(made.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    const other = await fixture.post('/v1/series', { ...series, duration: 'PT2H' }, { user, key: 'once' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  test('may have a thousand occurrences, all of them accepted in one call', async () => {
    const wish = aSeries(await fixture.resource(), {
      starts_at: localIn(35, '00:00'),
      rrule: 'FREQ=DAILY;BYHOUR=0,4,8,12,16,20;COUNT=1000',
    });
    const { status, body } = await fixture.post('/v1/series', wish, { user: fixture.customer() });
    expect([status, body.counts, body.occurrences.length]).toEqual([201, { PENDING: 1_000 }, 1_000]);
    expect(new Set(body.occurrences.map(({ booking }) => booking!.reference)).size).toBe(1_000);
  });

  test('is read by its owner and by operators, and is not there for anybody else', async () => {
    const user = fixture.customer();
    const { body } = await fixture.post('/v1/series', aSeries(await fixture.resource()), { user });
    const own = await fixture.get(`/v1/series/${body.id}`, { user });
    expect({ ...own.body, server_now: '' }).toEqual({ ...body, server_now: '' });
    expect(own.headers.get('etag')).toMatch(/^"\d+"$/);
    expect((await fixture.get(`/v1/series/${body.id}`, { user: newId('usr'), as: 'operator' })).status).toBe(200);
    expect((await fixture.get(`/v1/series/${body.id}`, { user: newId('usr') })).status).toBe(404);
    expect((await fixture.get('/v1/series/ser_nonsense', { user })).status).toBe(404);
  });

  test('is listed, newest first, page by page, and only for its owner', async () => {
    const user = fixture.customer();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { body } = await fixture.post('/v1/series', aSeries(await fixture.resource()), { user });
      ids.unshift(body.id);
    }
    const first = await fixture.get('/v1/series?limit=2', { user });
    expect(first.body.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.body.data[0]).toMatchObject({ status: 'ACTIVE', counts: { HELD: 4, PENDING: 4 } });
    expect(first.body.data[0]!.next_occurrence_at).toBe(utc(localIn(7)));
    const next = await fixture.get(`/v1/series?limit=2&cursor=${first.body.next_cursor}`, { user });
    expect([next.body.data.map(({ id }) => id), next.body.has_more]).toEqual([ids.slice(2), false]);
    expect((await fixture.get('/v1/series', { user: fixture.customer() })).body.data).toEqual([]);
    const foreign = await fixture.get(`/v1/series?user_id=${newId('usr')}`, { user });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'forbidden']);
  });
});

describe('when something is in the way', () => {
  beforeAll(async () => {
    resource = await fixture.resource();
    // The last half hour of the second one, in the window, and a time far beyond it.
    await book(localIn(14, '18:30'), 180);
    await book(localIn(49));
    await fixture.booking.pool.query('update resources set exceptions = $2 where id = $1', [
      resource,
      JSON.stringify([{ date: localIn(21).slice(0, 10), closed: true }]),
    ]);
  });

  test('the series is refused with a verdict for each, nothing is held, and the key may be used again', async () => {
    const user = fixture.customer();
    const refused = await nothingIsLeft(() => fixture.post('/v1/series', aSeries(resource), { user, key: 'again' }));
    expect([refused.status, refused.body.code]).toEqual([409, 'series_conflicts']);
    expect(refused.body.counts).toEqual({ free: 5, conflict: 2, closed: 1, excepted: 0 });
    // Only the part of its own time: how far the other booking goes is not told.
    expect(refused.body.occurrences[1]).toMatchObject({
      verdict: 'conflict',
      conflicts: [{ starts_at: utc(localIn(14, '18:30')), ends_at: utc(localIn(14, '19:00')), with: 'booking' }],
    });
    expect(refused.body.occurrences[2]).toMatchObject({ verdict: 'closed', code: 'outside_opening_hours' });
    expect(refused.body.occurrences[6]).toMatchObject({ verdict: 'conflict' });

    const skipping = await fixture.post('/v1/series', aSeries(resource, { skip_conflicts: true }), {
      user,
      key: 'again',
    });
    expect([skipping.status, skipping.body.counts]).toEqual([201, { HELD: 2, PENDING: 3 }]);
    expect(skipping.body.occurrences.map(({ left_out }) => left_out)).toEqual([
      ...[null, 'conflict', 'closed', null, null, null, 'conflict', null],
    ]);
  });

  test('occurrences of another series that wait are in its way, for a single booking they are not', async () => {
    const later = localIn(35);
    const { body } = await fixture.post(
      '/v1/series/preview',
      aSeries(resource, { starts_at: later, rrule: 'FREQ=WEEKLY;COUNT=1' }),
      { user: fixture.customer() },
    );
    expect(body.occurrences[0]).toMatchObject({ verdict: 'conflict', conflicts: [{ with: 'series' }] });
    await book(later);
  });

  test('whoever waits for a time that became free is served before a series, and is not in the way while it is taken', async () => {
    const busy = await fixture.resource();
    const [starts_at, ends_at] = [utc(localIn(7)), utc(localIn(7, '19:00'))];
    const caller = aCustomer();
    const holder = aHold({ resource_id: busy, starts_at, ends_at }, { caller });
    const [held] = await fixture.booking.settle(holder);
    expect(held!.kind).toBe('answered');
    const wait = { resource_id: busy, starts_at, ends_at: utc(localIn(7, '19:30')) };
    expect((await fixture.post('/v1/waitlist', wait, { user: fixture.customer() })).status).toBe(201);

    const verdict = async () => {
      const one = aSeries(busy, { rrule: 'FREQ=DAILY;COUNT=1' });
      const { body } = await fixture.post('/v1/series/preview', one, { user: fixture.customer() });
      return body.occurrences[0]!.conflicts.map((conflict) => conflict.with);
    };
    expect(await verdict()).toEqual(['booking']);
    await fixture.booking.pool.query('update slot_claims set released_at = clock.app_now() where resource_id = $1', [
      busy,
    ]);
    expect(await verdict()).toEqual(['waitlist']);
  });

  test('two series that want the same free times at once: one is accepted', async () => {
    const free = await fixture.resource();
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => fixture.post('/v1/series', aSeries(free), { user: fixture.customer() })),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ body }) => body.code === 'series_conflicts')).toHaveLength(5);
  });

  test('an occurrence that runs into the next one of its own series is in its way', async () => {
    const { body } = await fixture.post(
      '/v1/series/preview',
      aSeries(await fixture.resource(), { rrule: 'FREQ=DAILY;COUNT=3', duration: 'PT25H' }),
      { user: fixture.customer() },
    );
    expect(body.occurrences.map(({ verdict }) => verdict)).toEqual(['free', 'conflict', 'free']);
    expect(body.occurrences[1]).toMatchObject({ conflicts: [{ with: 'this_series' }] });
  });

  test('a series of which nothing is free is refused, also when it may skip', async () => {
    const series = aSeries(resource, { starts_at: localIn(7, '18:10'), skip_conflicts: true });
    const refused = await nothingIsLeft(() => fixture.post('/v1/series', series, { user: fixture.customer() }));
    expect([refused.status, refused.body.code]).toEqual([409, 'series_conflicts']);
    expect(refused.body.occurrences[0]).toMatchObject({ verdict: 'closed', code: 'off_grid' });
  });
});

describe('limits', () => {
  test('held occurrences count neither as the user’s holds nor the other way round', async () => {
    const caller = aCustomer();
    const user = caller.userId;
    const daily = aSeries(await fixture.resource(), { rrule: 'FREQ=DAILY;COUNT=20' });
    expect((await fixture.post('/v1/series', daily, { user })).status).toBe(201);
    const event = await fixture.booking.poolEvent();
    const results = await fixture.booking.settle(
      ...Array.from({ length: 6 }, () => aHold({ event_id: event, quantity: 1 }, { caller })),
    );
    expect(results.map((result) => (result.kind === 'refused' ? result.refusal.code : 'held'))).toEqual([
      ...Array<string>(5).fill('held'),
      'too_many_holds',
    ]);
    const weekly = await fixture.post('/v1/series', aSeries(await fixture.resource()), { user });
    expect(weekly.status).toBe(201);
  });

  test('so many unpaid occurrences and so many series a user, and not one more', async () => {
    const user = fixture.customer();
    const twiceADay = 'FREQ=DAILY;BYHOUR=8,18;COUNT=50';
    const daily = aSeries(await fixture.resource(), { starts_at: localIn(3, '08:00'), rrule: twiceADay });
    // Of 50 occurrences from the third day on 50 begin within 28 days.
    expect((await fixture.post('/v1/series', daily, { user })).body.counts).toEqual({
      HELD: SERIES_LIMITS.holdsPerUser,
    });
    const more = await nothingIsLeft(async () =>
      fixture.post('/v1/series', aSeries(await fixture.resource()), { user }),
    );
    expect([more.status, more.body.code]).toEqual([409, 'too_many_holds']);

    const planner = fixture.customer();
    const far = async () => aSeries(await fixture.resource(), { starts_at: localIn(40), rrule: 'FREQ=DAILY;COUNT=2' });
    for (let i = 0; i < SERIES_LIMITS.seriesPerUser; i++) {
      expect((await fixture.post('/v1/series', await far(), { user: planner })).status).toBe(201);
    }
    const eleventh = await fixture.post('/v1/series', await far(), { user: planner });
    expect([eleventh.status, eleventh.body.code]).toEqual([409, 'too_many_series']);
  });
});

test('series that one user makes at the same moment on many resources keep to the limit together', async () => {
  const user = fixture.customer();
  const wishes: object[] = [];
  for (let i = 0; i < SERIES_LIMITS.seriesPerUser + 4; i++) {
    wishes.push(aSeries(await fixture.resource(), { starts_at: localIn(40), rrule: 'FREQ=DAILY;COUNT=2' }));
  }
  const replies = await Promise.all(wishes.map((wish) => fixture.post('/v1/series', wish, { user })));
  expect(replies.filter(({ status }) => status === 201)).toHaveLength(SERIES_LIMITS.seriesPerUser);
  expect(replies.filter(({ body }) => body.code === 'too_many_series')).toHaveLength(4);
});

describe('what the request itself gets wrong', () => {
  beforeAll(async () => {
    resource = await fixture.resource();
  });
  const cases: [string, object, string, string | null][] = [
    ['an unknown field', { note: 'x' }, 'validation_failed', '/note'],
    ['an id of another kind', { resource_id: newId('evt') }, 'validation_failed', '/resource_id'],
    ['a resource that is not there', { resource_id: newId('res') }, 'not_found', null],
    ['a first occurrence with an offset', { starts_at: '2027-01-04T18:00Z' }, 'validation_failed', '/starts_at'],
    ['a date that is none', { starts_at: '2027-02-30T18:00' }, 'validation_failed', '/starts_at'],
    ['a duration in days', { duration: 'P1D' }, 'validation_failed', '/duration'],
    ['no duration', { duration: 'PT0M' }, 'validation_failed', '/duration'],
    ['a zone that does not exist', { time_zone: 'Mars/Olympus' }, 'validation_failed', '/time_zone'],
    ['a zone that is not the venue’s', { time_zone: 'Europe/Paris' }, 'validation_failed', '/time_zone'],
    ['no end', { rrule: 'FREQ=WEEKLY' }, 'endless_recurrence', '/rrule'],
    ['too many occurrences', { rrule: 'FREQ=DAILY;COUNT=1001' }, 'too_many_occurrences', '/rrule'],
    ['too many until then', { rrule: 'FREQ=DAILY;UNTIL=20991231' }, 'too_many_occurrences', '/rrule'],
    ['an end before the beginning', { rrule: 'FREQ=DAILY;UNTIL=20200101' }, 'invalid_recurrence', '/rrule'],
    ['a rule that is none', { rrule: 'every monday' }, 'invalid_recurrence', '/rrule'],
    ['a first occurrence off the rule', { rrule: 'FREQ=DAILY;BYHOUR=9;COUNT=3' }, 'invalid_recurrence', '/starts_at'],
    ['an exception that is no occurrence', { exceptions: [localIn(8)] }, 'unknown_occurrence', '/exceptions/0'],
    ['an exception twice', { exceptions: [localIn(7), localIn(7)] }, 'validation_failed', '/exceptions/1'],
  ];
  test.each(cases)('%s is refused and leaves nothing behind', async (_name, over, code, pointer) => {
    for (const path of ['/v1/series', '/v1/series/preview']) {
      const reply = await nothingIsLeft(() =>
        fixture.post(path, aSeries(resource, over), { user: fixture.customer() }),
      );
      expect([reply.status, reply.body.code]).toEqual([code === 'not_found' ? 404 : 422, code]);
      if (pointer) expect(reply.body.errors!.map((error) => error.pointer)).toEqual([pointer]);
    }
  });

  test('a call without a key is refused', async () => {
    const reply = await fixture.post('/v1/series', aSeries(resource), { user: fixture.customer(), key: null });
    expect([reply.status, reply.body.code]).toEqual([400, 'idempotency_key_missing']);
  });

  test('a resource that was archived is refused', async () => {
    const gone = await fixture.resource();
    await fixture.booking.pool.query('update resources set archived_at = clock.app_now() where id = $1', [gone]);
    const reply = await fixture.post('/v1/series', aSeries(gone), { user: fixture.customer() });
    expect([reply.status, reply.body.code]).toEqual([409, 'archived']);
  });
});

test('with a platform fee a preview tells the price that the bookings have, the fee as a line of each', async () => {
  const perBooking = new Map([['EUR', 50n]]);
  const dear = await setupSeries({ basisPoints: 250, perBooking, perPlace: new Map() });
  const [user, body] = [dear.customer(), aSeries(await dear.resource())];
  const preview = await dear.post('/v1/series/preview', body, { user });
  // 2.5 % of 24.00 and 0.50.
  expect(preview.body.price).toEqual({ amount: 8 * (2400 + 110), currency: 'EUR' });
  const { body: made } = await dear.post('/v1/series', body, { user });
  const { rows } = await dear.booking.pool.query<{ amount: string; fee: number }>(
    `select price_amount::text as amount, (price_lines -> -1 ->> 'amount')::int as fee from bookings where series_id = $1`,
    [made.id],
  );
  expect(rows).toEqual(Array.from({ length: 8 }, () => ({ amount: '2510', fee: 110 })));
  await dear.stop();
});
