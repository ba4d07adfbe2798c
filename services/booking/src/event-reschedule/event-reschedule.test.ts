import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { bookingEvents } from '@holdfast/shared/contracts/events';
import { eventReschedule, type EventRescheduleJson } from '@holdfast/shared/contracts/event-reschedule';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { previewCancellation } from '../bookings/preview-cancellation.ts';
import { eventRoutes } from '../catalogue/events/routes.ts';
import { eventCancellationRoutes } from '../event-cancellation/routes.ts';
import { aCustomer, aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { pointersOf, serveRoutes, type HttpFixture, type RequestOptions } from '../testing/http-fixture.ts';
import { completeEndedBookings } from '../tickets/complete-ended-bookings.ts';
import { listTicketsOf } from '../tickets/list-tickets.ts';
import { ticketRoutes } from '../tickets/routes.ts';
import { BATCH, TURN_SECONDS, driveReschedules } from './drive-reschedules.ts';
import { takeTurn } from './reschedule-store.ts';
import { eventRescheduleRoutes } from './routes.ts';

const REASON = 'the band is stuck in the snow';
const HOUR = 3_600_000;
const logger = createLogger({ service: 'booking-test', level: 'silent' });

let booking: BookingFixture;
let checkout: CheckoutFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  http = await serveRoutes(
    eventRescheduleRoutes(booking),
    eventCancellationRoutes(booking),
    ticketRoutes({ pool: booking.pool, watch: checkout.watch }),
    eventRoutes({ pool: booking.pool, logger, quoting: false }),
    auditRoutes(booking.pool, 'booking'),
  );
});
afterEach(() => booking.database.setClockOffset(0));
afterAll(async () => {
  await http.stop();
  await booking.stop();
});

async function held(event: EventId): Promise<Held> {
  const caller = aCustomer();
  const [result] = await booking.settle(aHold({ event_id: event, quantity: 1 }, { caller }));
  if (result?.kind !== 'answered') throw new Error('not held');
  return { id: (JSON.parse(result.answer.body) as { id: BookingId }).id, caller, event };
}

async function confirmed(event: EventId): Promise<Held> {
  const one = await held(event);
  await checkout.pay(one);
  await checkout.tell(one, 'authorised');
  await checkout.tell(one, 'captured');
  return one;
}

/** The time `hours` from now, for two hours. */
function inHours(hours: number) {
  const start = Math.round(Date.now() / 1_000) * 1_000 + hours * HOUR;
  return { starts_at: new Date(start).toISOString(), ends_at: new Date(start + 2 * HOUR).toISOString() };
}

async function reschedule(event: string, body: object, options: RequestOptions = {}) {
  const reply = await http.post(`/v1/events/${event}/reschedule`, { reason: REASON, ...body }, options);
  return { ...reply, body: reply.body as unknown as EventRescheduleJson & { code: string } };
}

async function progress(event: EventId): Promise<EventRescheduleJson> {
  const { body } = await http.get(`/v1/events/${event}/reschedule`, { as: 'operator' });
  expect(eventReschedule.parse(body)).toEqual(body);
  return body as unknown as EventRescheduleJson;
}

/** A second later, as often as it takes until nothing is due; `processes` go at it side by side. */
async function drive(processes = 1): Promise<number> {
  let moved = 0;
  for (;;) {
    await booking.database.advanceClock(1_000);
    const deps = { pool: booking.pool, watch: checkout.watch, onCommit };
    const rounds = await Promise.all(Array.from({ length: processes }, () => driveReschedules(deps)));
    moved += rounds.reduce((sum, round) => sum + round.moved, 0);
    if (rounds.every(({ more }) => !more)) return moved;
  }
}

async function timesOf(one: Held) {
  const { rows } = await booking.pool.query<{ status: string; starts_at: Date; ends_at: Date; moved_count: number }>(
    'select status, starts_at, ends_at, moved_count from bookings where id = $1',
    [one.id],
  );
  const { status, starts_at, ends_at, moved_count } = rows[0]!;
  return { status, starts_at: starts_at.toISOString(), ends_at: ends_at.toISOString(), moved_count };
}

/** What customers of an event are told about its moves. */
async function notices(event: EventId) {
  const { rows } = await booking.pool.query<{ data: unknown }>(
    `select payload::json -> 'data' as data
       from outbox o
       join bookings b on b.id = o.ordering_key
      where b.event_id = $1 and o.family = 'booking' and o.subject like '%.rescheduled'`,
    [event],
  );
  return rows.map(({ data }) => bookingEvents.rescheduled.parse(data));
}

describe('when an event is moved', () => {
  test('it has the new time at once, its bookings follow, and everybody who has a place is told', async () => {
    const event = await booking.poolEvent({ startsInHours: 72 });
    const old = await http.get(`/v1/events/${event}`);
    const { starts_at, ends_at } = old.body as unknown as { starts_at: string; ends_at: string };
    const [waiting, paying, done, inside] = [
      await held(event),
      await held(event),
      await confirmed(event),
      await confirmed(event),
    ];
    await checkout.pay(paying);
    await http.post(`/v1/bookings/${inside.id}/check-in`, {});

    const to = inHours(240);
    const admin = newId('usr');
    const answer = await reschedule(event, to, { userId: admin });
    expect(answer).toMatchObject({
      status: 202,
      body: { number: 1, state: 'RUNNING', from: { starts_at, ends_at }, to, total: 4, done: 0, refund: 'full' },
    });
    expect(answer.headers.get('location')).toBe(`/v1/events/${event}/reschedule`);
    expect((await http.get(`/v1/events/${event}`)).body).toMatchObject({ ...to, version: 2 });
    expect(await timesOf(await held(event))).toMatchObject(to);

    expect(await drive()).toBe(4);
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 4, done: 4 });
    const states = await Promise.all([waiting, paying, done, inside].map(timesOf));
    expect(states).toEqual(
      ['HELD', 'PAYMENT_INITIATED', 'CONFIRMED', 'CHECKED_IN'].map((status) => ({ status, ...to, moved_count: 1 })),
    );
    const told = await notices(event);
    expect(told.map(({ status }) => status).sort()).toEqual(['CHECKED_IN', 'CONFIRMED', 'HELD', 'PAYMENT_INITIATED']);
    for (const notice of told) {
      const previous = { starts_at, ends_at };
      expect(notice).toMatchObject({ ...to, previous, reason: REASON, refund: 'full', calendar_sequence: 1 });
    }
    const audit = await http.get(`/internal/audit?entity=${event}`, { as: 'operator' });
    expect(audit.body.data).toEqual([
      expect.objectContaining({
        action: 'reschedule',
        actor: admin,
        reason: REASON,
        before: old.body,
        after: expect.objectContaining({ ...to, version: 2 }),
      }),
    ]);
  });

  test('tickets stay valid, and let their holder in', async () => {
    const event = await booking.poolEvent({ startsInHours: 5 });
    const one = await confirmed(event);
    const [ticket] = await listTicketsOf(booking.pool, one.caller, one.id);
    await reschedule(event, inHours(24));
    await drive();
    expect(await listTicketsOf(booking.pool, one.caller, one.id)).toEqual([ticket]);
    const reply = await http.post(`/v1/bookings/${one.id}/check-in`, { code: ticket!.code }, { as: 'operator' });
    expect(reply).toMatchObject({ status: 200, body: { status: 'CHECKED_IN' } });
  });

  test('a hold keeps its place and its expiry', async () => {
    const event = await booking.poolEvent();
    const one = await held(event);
    const read = () =>
      booking.pool.query(
        'select status, hold_expires_at, price_amount, quantity, pinned_at from bookings where id = $1',
        [one.id],
      );
    const before = (await read()).rows;
    await reschedule(event, inHours(24));
    await drive();
    expect((await read()).rows).toEqual(before);
  });

  test('its sale ends as long before the start as it did, unless another window is given', async () => {
    const event = await booking.poolEvent({ startsInHours: 48 });
    await booking.pool.query(
      "update events set sales_open_at = starts_at - interval '30 days', sales_close_at = starts_at - interval '1 hour' where id = $1",
      [event],
    );
    const { body: before } = await http.get(`/v1/events/${event}`);
    const to = inHours(100);
    await reschedule(event, to);
    const closes = new Date(Date.parse(to.starts_at) - HOUR).toISOString();
    const opens = (before as unknown as { sales_open_at: string }).sales_open_at;
    expect((await http.get(`/v1/events/${event}`)).body).toMatchObject({
      sales_open_at: opens,
      sales_close_at: closes,
    });
    await reschedule(event, { ...inHours(120), sales_open_at: null, sales_close_at: to.starts_at });
    expect((await http.get(`/v1/events/${event}`)).body).toMatchObject({
      sales_open_at: null,
      sales_close_at: to.starts_at,
    });
  });
});

describe('what a customer gets back who does not want the new time', () => {
  const preview = (one: Held) => previewCancellation(booking.pool, one.caller, one.id);
  async function refundOf(one: Held) {
    const { body } = await checkout.cancel(one);
    return body.refund?.amount.amount ?? null;
  }

  test('everything until the new start, where the policy gives nothing', async () => {
    const event = await booking.poolEvent({ startsInHours: 5, amount: 1500 });
    const one = await confirmed(event);
    expect(await preview(one)).toMatchObject({ percent: 0 });
    await reschedule(event, inHours(4));
    await drive();
    const all = { percent: 100, refundable: { amount: 1500, currency: 'EUR' } };
    expect(await preview(one)).toEqual({ ...all, policy: [{ hours_before: 0, percent: 100 }] });
    expect(await refundOf(one)).toBe(1500);
  });

  test('everything also before its booking has followed, and the job counts it', async () => {
    const event = await booking.poolEvent({ startsInHours: 5 });
    const [one, other] = [await confirmed(event), await confirmed(event)];
    const to = inHours(4);
    await reschedule(event, to);
    expect(await preview(one)).toMatchObject({ percent: 100 });
    expect(await refundOf(one)).toBe(1500);
    expect(await timesOf(one)).toMatchObject({ status: 'CANCELLED', ...to, moved_count: 1 });
    expect(await progress(event)).toMatchObject({ state: 'RUNNING', total: 2, done: 1 });
    expect(await refundOf(other)).toBe(1500);
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 2, done: 2 });
    expect(await drive()).toBe(0);
  });

  test('by the policy where the venue says so, and a move never shortens its windows', async () => {
    const event = await booking.poolEvent({ startsInHours: 48 });
    const one = await confirmed(event);
    await reschedule(event, { ...inHours(5), refund: 'policy' });
    await drive();
    expect(await preview(one)).toMatchObject({ percent: 100, policy: [{ hours_before: 24 }, { hours_before: 6 }] });
    // Five hours are left to the new start, 23 to the one that was promised.
    await booking.database.advanceClock(25 * HOUR);
    expect(await preview(one)).toMatchObject({ percent: 50 });
  });

  test('nothing more once it has begun', async () => {
    const event = await booking.poolEvent({ startsInHours: 2 });
    const one = await confirmed(event);
    await reschedule(event, inHours(3));
    await drive();
    await booking.database.setClockOffset(3 * HOUR + 60_000);
    expect(await preview(one)).toMatchObject({ percent: 0 });
  });
});

describe('the job', () => {
  test('each of many bookings is moved once and told once, whoever carries it on', async () => {
    const event = await booking.poolEvent({ capacity: 500 });
    for (let batch = 0; batch < 3; batch++) {
      await booking.settle(...Array.from({ length: 90 }, () => aHold({ event_id: event, quantity: 1 })));
    }
    const to = inHours(96);
    await reschedule(event, to);
    // A process that dies between its turn and its batch: the turn is lost, nothing else is.
    await withTransaction(booking.pool, (tx) => takeTurn(tx, TURN_SECONDS));
    expect(await drive(3)).toBe(270);
    expect(await progress(event)).toMatchObject({ state: 'DONE', total: 270, done: 270 });
    const told = await notices(event);
    expect(new Set(told.map((notice) => notice.booking_id)).size).toBe(270);
    expect(told).toHaveLength(270);
    const { rows } = await booking.pool.query(
      'select starts_at, moved_count, count(*)::int as n from bookings where event_id = $1 group by 1, 2',
      [event],
    );
    expect(rows).toEqual([{ starts_at: new Date(to.starts_at), moved_count: 1, n: 270 }]);
    expect(BATCH / TURN_SECONDS).toBe(500);
  });

  test('whoever books while the event is moved is at the new time in the end, told where the old one was confirmed', async () => {
    const event = await booking.poolEvent({ capacity: 200 });
    const to = inHours(96);
    const holding = Array.from({ length: 8 }, () =>
      booking.settle(...Array.from({ length: 5 }, () => aHold({ event_id: event, quantity: 1 }))),
    );
    const [answer] = await Promise.all([reschedule(event, to), ...holding]);
    await drive(2);
    const { rows } = await booking.pool.query<{ n: number; moved: number }>(
      `select count(*)::int as n, count(*) filter (where moved_count = 1)::int as moved
         from bookings where event_id = $1 and starts_at = $2`,
      [event, to.starts_at],
    );
    expect(rows).toEqual([{ n: 40, moved: answer.body.total }]);
    expect(await notices(event)).toHaveLength(answer.body.total);
  });

  test('the pace holds for all processes together', async () => {
    const event = await booking.poolEvent();
    await held(event);
    await reschedule(event, inHours(96));
    const turns = await Promise.all(
      Array.from({ length: 20 }, () => withTransaction(booking.pool, (tx) => takeTurn(tx, 60))),
    );
    expect(turns.filter((turn) => turn !== null)).toEqual([event]);
    await booking.database.advanceClock(61_000);
    expect(await drive()).toBe(1);
  });

  test('an event that is moved again before all have followed: one notice, of the last time, with the better refund', async () => {
    const event = await booking.poolEvent({ startsInHours: 5 });
    const one = await confirmed(event);
    await reschedule(event, { ...inHours(10), refund: 'full' });
    const to = inHours(4);
    expect((await reschedule(event, { ...to, refund: 'policy' })).body).toMatchObject({ number: 2, total: 1 });
    const { rows } = await booking.pool.query(
      'select number, state from event_reschedules where event_id = $1 order by 1',
      [event],
    );
    expect(rows).toEqual([
      { number: 1, state: 'SUPERSEDED' },
      { number: 2, state: 'RUNNING' },
    ]);
    expect(await drive()).toBe(1);
    expect(await notices(event)).toEqual([expect.objectContaining({ ...to, refund: 'full', calendar_sequence: 1 })]);
    expect(await timesOf(one)).toMatchObject(to);

    await reschedule(event, inHours(30));
    await drive();
    expect(new Set((await notices(event)).map((notice) => notice.calendar_sequence))).toEqual(new Set([1, 2]));
  });

  test('an event that is moved back before anybody has followed tells nobody', async () => {
    const event = await booking.poolEvent();
    const one = await held(event);
    const { starts_at, ends_at } = await timesOf(one);
    await reschedule(event, inHours(96));
    await reschedule(event, { starts_at, ends_at });
    expect(await drive()).toBe(0);
    expect(await progress(event)).toMatchObject({ number: 2, state: 'DONE', total: 1, done: 1 });
    expect(await notices(event)).toEqual([]);
    expect(await timesOf(one)).toMatchObject({ moved_count: 0 });
  });

  test('an event that is cancelled meanwhile: nobody is told of a time at which nothing takes place', async () => {
    const event = await booking.poolEvent();
    await confirmed(event);
    await reschedule(event, inHours(96));
    await http.post(`/v1/events/${event}/cancel`, { reason: REASON });
    expect(await progress(event)).toMatchObject({ state: 'SUPERSEDED', total: 1, done: 0 });
    expect(await drive()).toBe(0);
    expect(await notices(event)).toEqual([]);
  });

  test('one that expired while its payment was under way has the new time should it come back, and is told nothing', async () => {
    const event = await booking.poolEvent();
    const [paying, plain] = [await held(event), await held(event)];
    await checkout.pay(paying);
    await checkout.expireEverything();
    const before = await timesOf(plain);
    const to = inHours(96);
    await reschedule(event, to);
    expect(await drive()).toBe(1);
    expect(await timesOf(paying)).toMatchObject({ status: 'EXPIRED', ...to });
    expect(await timesOf(plain)).toEqual(before);
    expect(await notices(event)).toEqual([]);
  });

  test('a booking that has not followed yet is not completed at the old end', async () => {
    const event = await booking.poolEvent({ startsInHours: 1 });
    const one = await confirmed(event);
    await reschedule(event, inHours(24));
    await booking.database.advanceClock(4 * HOUR);
    await completeEndedBookings({ pool: booking.pool, watch: checkout.watch });
    expect(await timesOf(one)).toMatchObject({ status: 'CONFIRMED' });
    await drive();
    await booking.database.advanceClock(24 * HOUR);
    await completeEndedBookings({ pool: booking.pool, watch: checkout.watch });
    expect(await timesOf(one)).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('answers', () => {
  test('without bookings it is done at once, and asking again for the same time is the same answer', async () => {
    const event = await booking.poolEvent();
    const to = inHours(96);
    const first = await reschedule(event, to);
    expect(first).toMatchObject({ status: 200, body: { state: 'DONE', total: 0, done: 0 } });
    expect((await reschedule(event, to)).body).toEqual(first.body);
    const { rows } = await booking.pool.query(
      `select (select count(*)::int from event_reschedules where event_id = $1) as jobs,
              (select count(*)::int from audit_log where entity_id = $1) as audited`,
      [event],
    );
    expect(rows).toEqual([{ jobs: 1, audited: 1 }]);
  });

  test('a key that was used gets the stored answer, and the final one once it is known', async () => {
    const event = await booking.poolEvent();
    await held(event);
    const options = { userId: newId('usr'), headers: { 'idempotency-key': newId('req') } };
    const to = inHours(96);
    expect((await reschedule(event, to, options)).status).toBe(202);
    const again = await reschedule(event, to, options);
    expect(again).toMatchObject({ status: 202, body: { done: 0 } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await reschedule(event, inHours(97), options)).body.code).toBe('idempotency_key_reused');
    await drive();
    expect(await reschedule(event, to, options)).toMatchObject({ status: 200, body: { state: 'DONE', done: 1 } });
  });

  test('a PATCH does not move an event under its bookings, and says what does', async () => {
    const event = await booking.poolEvent();
    await held(event);
    const reply = await http.patch(`/v1/events/${event}`, 1, inHours(96));
    expect(reply).toMatchObject({ status: 409, body: { code: 'in_use' } });
    expect(reply.body.detail).toContain('/reschedule');
    const paying = await held(event);
    await checkout.pay(paying);
    await checkout.expireEverything();
    const to = inHours(96);
    expect((await http.patch(`/v1/events/${event}`, 1, to)).status).toBe(200);
    // It may come back when its money comes late, and is for the new time then.
    expect(await timesOf(paying)).toMatchObject({ status: 'EXPIRED', ...to });
  });

  test.each<[string, number, string, (event: string) => Promise<object> | object, string?]>([
    [
      'an end before the start',
      422,
      'validation_failed',
      () => ({ ...inHours(96), ends_at: inHours(90).ends_at }),
      '/ends_at',
    ],
    ['a start in the past', 422, 'validation_failed', () => inHours(-1), '/starts_at'],
    [
      'a time without a zone',
      422,
      'validation_failed',
      () => ({ ...inHours(96), starts_at: '2030-01-04T18:00:00' }),
      '/starts_at',
    ],
    [
      'a day that does not exist',
      422,
      'validation_failed',
      () => ({ ...inHours(96), starts_at: '2030-02-30T18:00:00Z' }),
      '/starts_at',
    ],
    ['no end', 422, 'validation_failed', () => ({ starts_at: inHours(96).starts_at }), '/ends_at'],
    ['a reason of a word', 422, 'validation_failed', () => ({ ...inHours(96), reason: 'snow' }), '/reason'],
    ['an unknown refund', 422, 'validation_failed', () => ({ ...inHours(96), refund: 'half' }), '/refund'],
    ['an unknown field', 422, 'validation_failed', () => ({ ...inHours(96), venue_id: newId('ven') }), '/venue_id'],
    [
      'a sale that ends before it begins',
      422,
      'validation_failed',
      () => ({ ...inHours(96), sales_open_at: inHours(90).starts_at, sales_close_at: inHours(80).starts_at }),
      '/sales_close_at',
    ],
    [
      'the time that it has',
      422,
      'validation_failed',
      async (event) => {
        const { body } = await http.get(`/v1/events/${event}`);
        const { starts_at, ends_at } = body as unknown as { starts_at: string; ends_at: string };
        return { starts_at, ends_at };
      },
      '/starts_at',
    ],
  ])('%s is refused, and nothing is changed', async (_, status, code, bodyOf, pointer) => {
    const event = await booking.poolEvent();
    const before = await http.get(`/v1/events/${event}`);
    const reply = await http.post(`/v1/events/${event}/reschedule`, { reason: REASON, ...(await bodyOf(event)) });
    expect(reply).toMatchObject({ status, body: { code } });
    if (pointer !== undefined) expect(pointersOf(reply)).toContain(pointer);
    expect((await http.get(`/v1/events/${event}`)).body).toEqual(before.body);
    expect((await http.get(`/v1/events/${event}/reschedule`, { as: 'operator' })).status).toBe(404);
  });

  test.each([
    ['cancelled', 'cancelled_at = clock.app_now()', 422, 'event_cancelled'],
    ['archived', 'archived_at = clock.app_now()', 409, 'archived'],
    ['under way', "starts_at = clock.app_now() - interval '1 minute'", 422, 'event_over'],
  ])('an event that is %s stays where it is', async (_, change, status, code) => {
    const event = await booking.poolEvent();
    await booking.pool.query(`update events set ${change} where id = $1`, [event]);
    expect(await reschedule(event, inHours(96))).toMatchObject({ status, body: { code } });
  });

  test('others than admins, and unknown events', async () => {
    const event = await booking.poolEvent();
    for (const as of ['customer', 'operator'] as const) {
      expect(await reschedule(event, inHours(96), { as })).toMatchObject({ status: 403 });
    }
    expect((await http.get(`/v1/events/${event}/reschedule`, { as: 'customer' })).status).toBe(403);
    for (const id of [newId('evt'), newId('ven'), 'evt_1', '%00']) {
      expect(await reschedule(id, inHours(96))).toMatchObject({ status: 404 });
    }
  });
});
