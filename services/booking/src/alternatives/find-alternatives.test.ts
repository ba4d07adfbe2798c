import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import type { Alternative } from './alternative.ts';
import type { HoldRequest } from '../holds/hold-request.ts';
import { AlternativesFinder } from './find-alternatives.ts';

let booking: BookingFixture;
beforeAll(async () => {
  booking = await setupBooking();
});
afterAll(() => booking.stop());

const finderOf = (freshMs = 0) =>
  new AlternativesFinder({
    pool: booking.pool,
    layouts: booking.holdDeps.layouts,
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
    freshMs,
    // The machine that runs the tests may be busy.
    waitAtMostMs: 5_000,
  });

/** Whether what was offered can really be held. */
async function canBeHeld(alternative: Alternative, lost: HoldRequest): Promise<boolean> {
  const body =
    'seats' in alternative
      ? { event_id: (lost as { eventId: string }).eventId, seats: alternative.seats }
      : 'ends_at' in alternative
        ? { resource_id: (lost as { resourceId: string }).resourceId, ...alternative }
        : { event_id: alternative.event_id, quantity: (lost as { quantity: number }).quantity };
  return (await booking.settle(aHold(body)))[0]!.kind === 'answered';
}

test('seats that are taken: the nearest that can be held, without those of the house', async () => {
  const eventId = await booking.seatEvent({ rows: [{ row: 'A', seats: 6 }] });
  await booking.pool.query("update events set house_blocks = '{A-1}' where id = $1", [eventId]);
  await booking.settle(aHold({ event_id: eventId, seats: ['A-3'] }));
  const lost: HoldRequest = { kind: 'seats', eventId, seats: ['A-3', 'A-4'] };
  const finder = finderOf();
  const found = await finder.find(lost, true);
  expect(found).toEqual([{ seats: ['A-4', 'A-5'] }]);
  expect(await canBeHeld(found[0]!, lost)).toBe(true);
  expect(await finder.find(lost, true)).toEqual([]);
});

test('a quantity that is not left: the largest group, and other categories', async () => {
  const eventId = await booking.seatEvent({
    rows: [
      { row: 'A', seats: 2 },
      { row: 'B', seats: 3, category: 'premium' },
    ],
  });
  const lost: HoldRequest = { kind: 'quantity', eventId, quantity: 3, category: 'standard' };
  const found = await finderOf().find(lost, true);
  expect(found).toEqual([{ seats: ['B-1', 'B-2', 'B-3'] }, { seats: ['A-1', 'A-2'] }]);
  for (const alternative of found) expect(await canBeHeld(alternative, lost)).toBe(true);
});

test('a time that is taken: the nearest free times as long', async () => {
  const resourceId = await booking.resource();
  await booking.settle(aHold({ resource_id: resourceId, ...aSlot(2) }));
  const wanted = aSlot(2, 1);
  const lost: HoldRequest = {
    kind: 'slot',
    resourceId,
    startsAt: new Date(wanted.starts_at),
    endsAt: new Date(wanted.ends_at),
  };
  const found = await finderOf().find(lost, true);
  expect(found).toHaveLength(5);
  expect(found[0]).toEqual(aSlot(2, 2));
  expect(await canBeHeld(found[0]!, lost)).toBe(true);
});

test('a pool without room: the others of its series that have some, the nearest first', async () => {
  const eventId = await booking.poolEvent({ capacity: 1 });
  const later = await booking.poolEvent({ capacity: 5, startsInHours: 80 });
  const sooner = await booking.poolEvent({ capacity: 5, startsInHours: 70 });
  const full = await booking.poolEvent({ capacity: 1, startsInHours: 72 });
  const off = await booking.poolEvent({ capacity: 5, startsInHours: 73 });
  const elsewhere = await booking.poolEvent({ capacity: 5 });
  const closed = await booking.poolEvent({ capacity: 5 });
  await booking.pool.query(
    'update events set venue_id = (select venue_id from events where id = $1) where id = any ($2::text[])',
    [eventId, [later, sooner, full, closed, off]],
  );
  await booking.pool.query('update events set cancelled_at = clock.app_now() where id = $1', [off]);
  await booking.pool.query("update events set sales_close_at = clock.app_now() - interval '1 hour' where id = $1", [
    closed,
  ]);
  const lost: HoldRequest = { kind: 'quantity', eventId, quantity: 2, category: null };
  const found = await finderOf().find(lost, true);
  expect(found.map((alternative) => 'event_id' in alternative && alternative.event_id)).toEqual([sooner, later]);
  expect(elsewhere).not.toBe(later);
  expect(await canBeHeld(found[0]!, lost)).toBe(true);
});

test('a hall that is full: the other nights that have as many seats left', async () => {
  const rows = [{ row: 'A', seats: 3 }];
  const eventId = await booking.seatEvent({ rows });
  const [sold, free, kept] = [
    await booking.seatEvent({ rows, startsInHours: 73 }),
    await booking.seatEvent({ rows, startsInHours: 80 }),
    await booking.seatEvent({ rows, startsInHours: 74 }),
  ];
  await booking.pool.query(
    'update events set venue_id = (select venue_id from events where id = $1) where id = any ($2::text[])',
    [eventId, [sold, free, kept]],
  );
  await booking.settle(aHold({ event_id: eventId, quantity: 3 }), aHold({ event_id: sold, quantity: 2 }));
  // One seat is both claimed and kept; it counts once.
  await booking.settle(aHold({ event_id: free, seats: ['A-1'] }));
  await booking.pool.query("update events set house_blocks = '{A-1}' where id = $1", [free]);
  await booking.pool.query("update events set house_blocks = '{A-2,A-3}' where id = $1", [kept]);
  const offered = async (lost: HoldRequest) => (await finderOf().find(lost, true)).map((found) => ({ ...found }));
  for (const lost of [
    { kind: 'seats', eventId, seats: ['A-1', 'A-2'] },
    { kind: 'quantity', eventId, quantity: 2, category: null },
  ] satisfies HoldRequest[]) {
    expect(await offered(lost)).toEqual([{ event_id: free, starts_at: expect.any(String) }]);
  }
});

test('ten thousand losers at once cost few statements', async () => {
  const eventId = await booking.seatEvent({ rows: [{ row: 'A', seats: 40 }] });
  let statements = 0;
  const counting = new Proxy(booking.pool, {
    get: (pool, name) => {
      if (name === 'query') statements++;
      const value: unknown = Reflect.get(pool, name);
      return typeof value === 'function' ? (value.bind(pool) as unknown) : value;
    },
  });
  const finder = new AlternativesFinder({
    pool: counting,
    layouts: booking.holdDeps.layouts,
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
    waitAtMostMs: 5_000,
  });
  const lost = Array.from({ length: 10_000 }, (_, n): HoldRequest => ({
    kind: 'seats',
    eventId,
    seats: [`A-${(n % 40) + 1}`],
  }));
  const found = await Promise.all(lost.map((request) => finder.find(request, true)));
  expect(found.every((alternatives) => alternatives.length === 5)).toBe(true);
  // The picture, and the rows of the hall.
  expect(statements).toBeLessThanOrEqual(2);
});

test('a database that takes its time keeps no loser waiting', async () => {
  const finder = new AlternativesFinder({
    pool: { query: () => new Promise(() => {}) } as unknown as BookingFixture['pool'],
    layouts: booking.holdDeps.layouts,
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
    waitAtMostMs: 5,
  });
  expect(await finder.find({ kind: 'seats', eventId: 'evt_x', seats: ['A-1'] }, true)).toEqual([]);
});

test('without a database there are none, and the refusal stands', async () => {
  const finder = new AlternativesFinder({
    pool: { query: () => Promise.reject(new Error('no database')) } as unknown as BookingFixture['pool'],
    layouts: booking.holdDeps.layouts,
    logger: createLogger({ service: 'booking-test', level: 'silent' }),
  });
  expect(await finder.find({ kind: 'seats', eventId: 'evt_x', seats: ['A-1'] }, true)).toEqual([]);
});
