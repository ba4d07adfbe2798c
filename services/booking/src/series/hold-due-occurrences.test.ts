import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type ResourceId, type UserId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { countLiveBookings } from '../bookings/count-live-bookings.ts';
import { expireHolds } from '../bookings/expire-holds.ts';
import { aHold } from '../testing/booking-fixture.ts';
import { onCommit } from '../testing/checkout-fixture.ts';
import {
  aSeries,
  DAY_MS,
  localIn,
  SERIES_TIMES,
  setupSeries,
  type SeriesFixture,
  type SeriesReply,
} from '../testing/series-fixture.ts';
import { holdDueOccurrences } from './hold-due-occurrences.ts';
import { holdOccurrences } from './hold-occurrences.ts';

let fixture: SeriesFixture;
let resource: ResourceId;
let user: UserId;
let series: SeriesReply['body'];
const logger = createLogger({ service: 'booking-test', level: 'silent' });
const round = (pool: Pool = fixture.booking.pool) =>
  holdDueOccurrences({ pool, times: SERIES_TIMES, onCommit, logger });

beforeAll(async () => {
  fixture = await setupSeries();
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  await fixture.booking.database.setClockOffset(0);
  // What earlier tests left waiting is not for this one's rounds.
  await fixture.booking.pool.query(`update bookings set status = 'CANCELLED' where status = 'PENDING'`);
  resource = await fixture.resource();
  user = fixture.customer();
  series = (await fixture.post('/v1/series', aSeries(resource), { user })).body;
});

const statuses = async () => {
  const { body } = await fixture.get(`/v1/series/${series.id}`, { user });
  return body.occurrences.map(({ booking }) => booking!.status);
};

/** Names and data of the events of family `booking` that an occurrence has sent, in their order. */
async function told(index: number): Promise<{ name: string; data: Record<string, unknown> }[]> {
  const { rows } = await fixture.booking.pool.query<{ name: string; data: Record<string, unknown> }>(
    `select split_part(subject, '.', 4) as name, payload::jsonb -> 'data' as data
       from outbox where family = 'booking' and ordering_key = $1 order by seq`,
    [series.occurrences[index]!.booking!.id],
  );
  return rows;
}

async function book(local: string): Promise<void> {
  const starts = `${local}:00.000Z`;
  const ends = new Date(Date.parse(starts) + 3_600_000).toISOString();
  const [result] = await fixture.booking.settle(aHold({ resource_id: resource, starts_at: starts, ends_at: ends }));
  expect(result!.kind).toBe('answered');
}

describe('when time goes by', () => {
  test('an occurrence is held as it comes into the window, at the price at which it was accepted, and the customer is told', async () => {
    expect(await round()).toEqual({ held: 0, lost: 0, more: false });
    await fixture.booking.pool.query('update resources set price_per_slot = 9900 where id = $1', [resource]);
    await fixture.booking.database.advanceClock(7 * DAY_MS);
    expect(await round()).toEqual({ held: 1, lost: 0, more: false });
    expect((await statuses()).slice(3, 6)).toEqual(['HELD', 'HELD', 'PENDING']);

    const { body } = await fixture.get(`/v1/series/${series.id}`, { user });
    const { booking } = body.occurrences[4]!;
    expect(booking!.price).toEqual({ amount: 2400, currency: 'EUR' });
    expect(await told(4)).toEqual([
      {
        name: 'payment_due',
        data: expect.objectContaining({ series_id: series.id, pay_until: booking!.hold_expires_at, amount: 2400 }),
      },
    ]);
    const { rows } = await fixture.booking.pool.query<{ n: number }>(
      'select count(*)::int as n from slot_claims where booking_id = $1 and released_at is null',
      [booking!.id],
    );
    expect(rows[0]!.n).toBe(1);
    expect(await round()).toEqual({ held: 0, lost: 0, more: false });
  });

  test('a hold lapses after its time and never lasts beyond the start; the other occurrences stay', async () => {
    const expire = () => expireHolds({ pool: fixture.booking.pool, watch: { changed: () => undefined }, onCommit });
    await fixture.booking.database.advanceClock(2 * DAY_MS + 1_000);
    await expire();
    expect(await statuses()).toEqual([...Array<string>(4).fill('EXPIRED'), ...Array<string>(4).fill('PENDING')]);
    expect((await told(0)).map(({ name }) => name)).toEqual(['expired']);
    expect((await told(0))[0]!.data).toMatchObject({ series_id: series.id });

    // A window that nobody looked at for long: the occurrence begins in an hour.
    const start = Date.parse(series.occurrences[4]!.starts_at);
    await fixture.booking.database.setClockOffset(start - 3_600_000 - Date.now());
    expect(await round()).toMatchObject({ lost: 0 });
    const { body } = await fixture.get(`/v1/series/${series.id}`, { user });
    expect(body.occurrences[4]!.booking!.hold_expires_at).toBe(series.occurrences[4]!.starts_at);
  });
});

describe('when an occurrence cannot be held any more', () => {
  test.each([
    ['taken', () => book(localIn(35))],
    [
      'closed',
      () =>
        fixture.booking.pool.query('update resources set exceptions = $2 where id = $1', [
          resource,
          JSON.stringify([{ date: localIn(35).slice(0, 10), closed: true }]),
        ]),
    ],
    [
      'archived',
      () => fixture.booking.pool.query('update resources set archived_at = clock.app_now() where id = $1', [resource]),
    ],
  ])('because it is %s it has FAILED, the customer is told, and the next one is held', async (lost, change) => {
    await change();
    await fixture.booking.database.advanceClock(7 * DAY_MS);
    expect(await round()).toEqual({ held: 0, lost: 1, more: false });
    expect((await statuses()).slice(4, 6)).toEqual(['FAILED', 'PENDING']);
    expect(await told(4)).toEqual([{ name: 'failed', data: expect.objectContaining({ lost, series_id: series.id }) }]);
    await fixture.booking.database.advanceClock(7 * DAY_MS);
    expect(await round()).toEqual(
      lost === 'archived' ? { held: 0, lost: 1, more: false } : { held: 1, lost: 0, more: false },
    );
  });

  test('one whose time has come while nobody looked has FAILED as well', async () => {
    await fixture.booking.database.advanceClock(36 * DAY_MS);
    expect(await round()).toEqual({ held: 3, lost: 1, more: false });
    expect((await told(4))[0]!.data).toMatchObject({ lost: 'too_late' });
  });
});

test('a resource whose occurrences wait has bookings that somebody counts on', async () => {
  const live = await withTransaction(fixture.booking.pool, (tx) =>
    countLiveBookings(tx, { eventIds: [], resourceIds: [resource] }),
  );
  expect(live).toBe(8);
});

describe('when many processes move the window at the same moment', () => {
  test('each occurrence is held once, told once, and none is left', async () => {
    const others = await Promise.all(Array.from({ length: 3 }, async () => ({ body: (await anotherSeries()).body })));
    await fixture.booking.database.advanceClock(28 * DAY_MS);
    const pools = Array.from({ length: 4 }, () =>
      createPool({
        connectionString: fixture.booking.database.url('booking'),
        schema: 'booking',
        logger,
        applicationName: 'another-booking-process',
      }),
    );
    // Connected beforehand, so that all begin together.
    await Promise.all(pools.map((pool) => pool.query('select 1')));
    const rounds = await Promise.all(pools.map((pool) => round(pool)));
    await Promise.all(pools.map((pool) => pool.end()));

    expect(rounds.reduce((sum, { held }) => sum + held, 0)).toBe(16);
    expect(rounds.every(({ lost }) => lost === 0)).toBe(true);
    const ids = [series, ...others.map(({ body }) => body)].map(({ id }) => id);
    const { rows } = await fixture.booking.pool.query<Record<string, number>>(
      `select count(*)::int as bookings,
              count(distinct (series_id, starts_at))::int as starts,
              count(*) filter (where status = 'HELD')::int as held,
              (select count(*)::int from slot_claims c join bookings b on b.id = c.booking_id
                where b.series_id = any ($1) and c.released_at is null) as claims,
              (select count(*)::int from outbox o join bookings b on b.id = o.ordering_key
                where b.series_id = any ($1) and o.family = 'booking') as told
         from bookings where series_id = any ($1)`,
      [ids],
    );
    expect(rows[0]).toEqual({ bookings: 32, starts: 32, held: 32, claims: 32, told: 16 });
  });

  test('with others who book the same times, each time goes to one of them and nobody meets an error', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const { body } = await anotherSeries();
      await fixture.booking.database.setClockOffset(28 * DAY_MS);
      const waiting = body.occurrences.slice(4);
      const starts = waiting.map(({ starts_at }) => starts_at);
      const [moved, ...bought] = await Promise.all([
        round(),
        ...starts.map((starts_at) =>
          fixture.booking.settle(
            aHold({
              resource_id: body.resource_id,
              starts_at,
              ends_at: new Date(Date.parse(starts_at) + 3_600_000).toISOString(),
            }),
          ),
        ),
      ]);
      const won = bought.filter(([result]) => result!.kind === 'answered').length;
      // Those of the series that every test begins with are moved as well, once.
      const others = attempt === 0 ? 4 : 0;
      expect([moved.held + won - others, moved.lost]).toEqual([4, won]);
      await fixture.booking.database.setClockOffset(0);
    }
  });

  test('one that is held already is not held again', async () => {
    const { id } = series.occurrences[5]!.booking!;
    const again = () =>
      withTransaction(fixture.booking.pool, (tx) =>
        holdOccurrences(tx, [id], {
          ...{ holdSeconds: 60, actor: 'system', tellCustomer: true },
          cause: { id: newId('req'), traceparent: null },
        }),
      );
    expect(await again()).toHaveLength(1);
    expect(await again()).toHaveLength(0);
    expect((await told(5)).map(({ name }) => name)).toEqual(['payment_due']);
  });

  const anotherSeries = async () =>
    fixture.post('/v1/series', aSeries(await fixture.resource()), { user: fixture.customer() });
});

test('the database refuses a second booking for an occurrence, and two series that wait for one time', async () => {
  const insert = (seriesId: string, startsAt: string) =>
    fixture.booking.pool.query(
      `insert into bookings (id, reference, user_id, status, inventory, resource_id, quantity, starts_at, ends_at, time_zone, title,
                             venue, refund_policy, price_amount, price_currency, price_lines, contact_email, contact_name,
                             series_id, occurrence, created_at, updated_at)
       select 'bkg_' || md5(random()::text), md5(random()::text), user_id, 'PENDING', inventory, resource_id, 1, $2::timestamptz,
              $2::timestamptz + interval '1 hour', time_zone, title, venue, refund_policy, 0, price_currency, '[]', '', '', $3,
              occurrence, created_at, updated_at
         from bookings where id = $1`,
      [series.occurrences[7]!.booking!.id, startsAt, seriesId],
    );
  const taken = series.occurrences[0]!.starts_at;
  await expect(insert(series.id, taken)).rejects.toMatchObject({ constraint: 'bookings_one_per_occurrence' });
  const other = await fixture.post('/v1/series', aSeries(await fixture.resource(), { rrule: 'FREQ=WEEKLY;COUNT=1' }), {
    user,
  });
  await expect(insert(other.body.id, series.occurrences[7]!.starts_at)).rejects.toMatchObject({
    constraint: 'bookings_waiting_occurrences_never_overlap',
  });
});
