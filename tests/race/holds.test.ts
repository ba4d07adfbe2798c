import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { aCaller, createAssertedClient, type ApiClient } from '../support/api-client.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { holdAtOnce, statuses } from '../support/hold-directly.ts';
import { brokenInvariants } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, type Stack } from '../support/stack.ts';

// Two booking processes on one database: no memory, lock or queue of one process can decide these races.
let stack: Stack;
let admin: ApiClient;

beforeAll(async () => {
  stack = await startStack({ parts: ['booking', 'booking2'] });
  admin = createAssertedClient(stack.url('booking'), stack.internalSecret, aCaller({ role: 'admin' }));
}, 60_000);
afterEach(async () => {
  expect(await brokenInvariants(stack)).toEqual([]);
});
afterAll(() => stack?.stop());

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('seats', () => {
  test('of 100 buyers of one seat one wins, and every other is told which seat is taken', async () => {
    const eventId = await makeSeatsEvent(admin, { seats: 3 });

    const answers = await holdAtOnce(
      stack,
      times(100, () => ({ body: { event_id: eventId, seats: ['A-2'] } })),
    );

    expect(statuses(answers)).toEqual({ 201: 1, 409: 99 });
    for (const { body } of answers.filter(({ status }) => status === 409)) {
      expect(body).toMatchObject({ code: 'inventory_unavailable', unavailable: ['A-2'], retryable: false });
    }
    expect(await query(stack, 'select seat, state from booking.seat_claims where event_id = $1', [eventId])).toEqual([
      { seat: 'A-2', state: 'LOCKED' },
    ]);
  });

  test('holds of several seats that cross each other get all of theirs or none, without a deadlock', async () => {
    const eventId = await makeSeatsEvent(admin, { seats: 4 });
    const wishes = [
      ['A-1', 'A-2'],
      ['A-2', 'A-3'],
      ['A-3', 'A-1'],
      ['A-4', 'A-3', 'A-2'],
    ];

    const answers = await holdAtOnce(
      stack,
      times(80, (i) => ({ body: { event_id: eventId, seats: wishes[i % wishes.length] } })),
    );

    const winners = answers.filter(({ status }) => status === 201).map(({ body }) => body['seats'] as string[]);
    expect(statuses(answers)).toEqual({ 201: winners.length, 409: 80 - winners.length });
    expect(winners.length).toBeGreaterThanOrEqual(1);
    const claimed = await query<{ seat: string }>(
      stack,
      'select seat from booking.seat_claims where event_id = $1 and released_at is null order by seat',
      [eventId],
    );
    expect(claimed.map(({ seat }) => seat)).toEqual(winners.flat().sort());
    const taken = new Set(winners.flat());
    answers.forEach(({ status, body }, i) => {
      if (status !== 409) return;
      const named = body['unavailable'] as string[];
      expect(named.length).toBeGreaterThan(0);
      // Only what was asked for, and only what is really gone.
      for (const seat of named) expect(wishes[i % wishes.length]!.includes(seat) && taken.has(seat)).toBe(true);
    });
  });

  test('adjacent seats by quantity never go to two', async () => {
    const eventId = await makeSeatsEvent(admin, {
      rows: [
        { row: 'A', seats: 10 },
        { row: 'B', seats: 10 },
      ],
    });

    const answers = await holdAtOnce(
      stack,
      times(30, (i) => ({ body: { event_id: eventId, quantity: 1 + (i % 3) } })),
    );

    const seats = answers.filter(({ status }) => status === 201).flatMap(({ body }) => body['seats'] as string[]);
    expect(new Set(seats).size).toBe(seats.length);
    expect(Object.keys(statuses(answers)).sort()).toEqual(['201', '409']);
  });
});

describe('pools', () => {
  test.each([{ numbered: false }, { numbered: true }])(
    '200 buyers of 50 places, numbered $numbered: exactly 50 get one',
    async ({ numbered }) => {
      const eventId = await makePoolEvent(admin, { capacity: 50, numbered });

      const answers = await holdAtOnce(
        stack,
        times(200, () => ({ body: { event_id: eventId, quantity: 1 } })),
      );

      expect(statuses(answers)).toEqual({ 201: 50, 409: 150 });
      for (const { body } of answers.filter(({ status }) => status === 409)) {
        expect(body).toMatchObject({ code: 'inventory_unavailable', unavailable: { requested: 1, available: 0 } });
      }
      expect(await query(stack, 'select claimed from booking.events where id = $1', [eventId])).toEqual([
        { claimed: 50 },
      ]);
      if (!numbered) return;
      const numbers = answers
        .filter(({ status }) => status === 201)
        .flatMap(({ body }) => (body['seats'] as string[]).map(Number));
      expect(numbers.sort((a, b) => a - b)).toEqual(times(50, (i) => i + 1));
    },
  );

  test('numbers that came back are given out again, each to one', async () => {
    const eventId = await makePoolEvent(admin, { capacity: 30, numbered: true });
    const buyers = times(30, () => aCaller());
    const first = await holdAtOnce(
      stack,
      buyers.map((caller) => ({ caller, body: { event_id: eventId, quantity: 1 } })),
    );
    const returned = first.slice(0, 10);
    for (const [i, { body }] of returned.entries()) {
      const buyer = createAssertedClient(stack.url('booking'), stack.internalSecret, buyers[i]!);
      const answer = await buyer.post(`/v1/bookings/${String(body['id'])}/cancel`, { reason: 'not coming after all' });
      expect(answer.status).toBe(200);
    }

    const second = await holdAtOnce(
      stack,
      times(40, () => ({ body: { event_id: eventId, quantity: 1 } })),
    );

    expect(statuses(second)).toEqual({ 201: 10, 409: 30 });
    const again = second.filter(({ status }) => status === 201).flatMap(({ body }) => body['seats'] as string[]);
    expect(again.sort()).toEqual(returned.flatMap(({ body }) => body['seats'] as string[]).sort());
  });
});

test('overlapping slots of different lengths: winners never overlap, and every loser is told what is taken', async () => {
  const resourceId = await makeResource(admin);
  const wishes = times(90, (i) => halfHours(1 + (i % 4), i % 12));

  const answers = await holdAtOnce(
    stack,
    wishes.map((slot) => ({ body: { resource_id: resourceId, ...slot } })),
  );

  const won = wishes.filter((_, i) => answers[i]!.status === 201);
  const overlap = (a: Slot, b: Slot) => a.starts_at < b.ends_at && b.starts_at < a.ends_at;
  won.forEach((a, i) => expect(won.slice(i + 1).filter((b) => overlap(a, b))).toEqual([]));
  expect(statuses(answers)).toEqual({ 201: won.length, 409: 90 - won.length });
  answers.forEach(({ status, body }, i) => {
    if (status !== 409) return;
    expect(body['code']).toBe('inventory_unavailable');
    const named = body['unavailable'] as Slot[];
    expect(named.length).toBeGreaterThan(0);
    for (const slot of named) {
      expect(overlap(slot, wishes[i]!)).toBe(true);
      expect(won.some((winner) => overlap(slot, winner))).toBe(true);
    }
  });
});

interface Slot {
  readonly starts_at: string;
  readonly ends_at: string;
}

describe('one customer', () => {
  test('50 calls with one key make one booking and get one answer, to the letter', async () => {
    const eventId = await makePoolEvent(admin, { capacity: 50 });
    const caller = aCaller();

    const answers = await holdAtOnce(
      stack,
      times(50, () => ({ caller, key: 'one-and-the-same', body: { event_id: eventId, quantity: 2 } })),
    );

    expect(statuses(answers)).toEqual({ 201: 50 });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(49);
    expect(new Set(answers.map(({ headers }) => headers['location'])).size).toBe(1);
    expect(await query(stack, 'select quantity from booking.bookings where user_id = $1', [caller.userId])).toEqual([
      { quantity: 2 },
    ]);
  });

  test('one key for two requests: one of them is carried out, the other refused', async () => {
    const eventId = await makePoolEvent(admin, { capacity: 50 });
    const caller = aCaller();

    const answers = await holdAtOnce(
      stack,
      times(40, (i) => ({ caller, key: 'two-meanings', body: { event_id: eventId, quantity: 1 + (i % 2) } })),
    );

    expect(statuses(answers)).toEqual({ 201: 20, 422: 20 });
    for (const { status, body } of answers) if (status === 422) expect(body['code']).toBe('idempotency_key_reused');
    expect(await query(stack, 'select id from booking.bookings where user_id = $1', [caller.userId])).toHaveLength(1);
  });

  test('of 20 holds at once with a limit of 5 exactly 5 are granted', async () => {
    // An event each, and a customer who was here before: nothing but the customer's own row is left to wait for.
    const events = await Promise.all(times(20, () => makePoolEvent(admin, { capacity: 5 })));
    const caller = aCaller();
    const [before] = await holdAtOnce(stack, [{ caller, body: { event_id: events[0], quantity: 1 } }]);
    const client = createAssertedClient(stack.url('booking'), stack.internalSecret, caller);
    await client.post(`/v1/bookings/${String(before!.body['id'])}/cancel`, { reason: 'only to be known here' });

    const answers = await holdAtOnce(
      stack,
      events.map((eventId) => ({ caller, body: { event_id: eventId, quantity: 1 } })),
    );

    expect(statuses(answers)).toEqual({ 201: 5, 409: 15 });
    for (const { status, body } of answers) if (status === 409) expect(body['code']).toBe('too_many_holds');
  });
});

test('many holds that run out together expire once each, whichever process sees them first', async () => {
  const eventId = await makePoolEvent(admin, { capacity: 200, numbered: true });
  const answers = await holdAtOnce(
    stack,
    times(150, () => ({ body: { event_id: eventId, quantity: 1 } })),
  );
  expect(statuses(answers)).toEqual({ 201: 150 });

  await stack.database.advanceClock(601_000);

  await until('all holds to expire', async () => {
    const rows = await query(stack, `select from booking.bookings where event_id = $1 and status = 'HELD'`, [eventId]);
    return rows.length === 0;
  });
  const [told] = await query<{ events: number; bookings: number }>(
    stack,
    `select count(*)::int as events, count(distinct ordering_key)::int as bookings from booking.outbox
      where family = 'booking' and subject like '%.expired'
        and ordering_key in (select id from booking.bookings where event_id = $1)`,
    [eventId],
  );
  expect(told).toEqual({ events: 150, bookings: 150 });
});

test('nothing of all this was a deadlock', async () => {
  const rerun = [...stack.process('booking').lines, ...stack.process('booking2').lines];
  expect(rerun.filter((line) => line.includes('40P01'))).toEqual([]);
  // A session hands in its counters when it ends.
  await Promise.all([stack.process('booking').kill('SIGTERM'), stack.process('booking2').kill('SIGTERM')]);
  await until('the sessions to end', async () => {
    const rows = await query(
      stack,
      `select from pg_stat_activity where datname = current_database() and application_name = 'holdfast-booking'`,
    );
    return rows.length === 0;
  });
  expect(
    await query(stack, 'select deadlocks::int as deadlocks from pg_stat_database where datname = current_database()'),
  ).toEqual([{ deadlocks: 0 }]);
});
