import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { occupancy, type OccupancyJson } from '@holdfast/shared/contracts/catalogue';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { bookClaims } from '../inventory/book-claims.ts';
import { aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { serveRoutes, type HttpFixture } from '../testing/http-fixture.ts';
import { availabilityRoutes } from './routes.ts';

let booking: BookingFixture;
let http: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  http = await serveRoutes(availabilityRoutes(booking));
});
afterAll(async () => {
  await http.stop();
  await booking.stop();
});

async function hold(body: object): Promise<BookingId> {
  const [result] = await booking.settle(aHold(body));
  if (result?.kind !== 'answered') throw new Error(`refused: ${JSON.stringify(result)}`);
  return (JSON.parse(result.answer.body) as { id: BookingId }).id;
}
const sell = async (body: object) => {
  const id = await hold(body);
  await withTransaction(booking.pool, (tx) => bookClaims(tx, [id]));
};
const read = async (event: string) => {
  const { status, body } = await http.get(`/v1/events/${event}/occupancy`, { as: 'operator' });
  expect(status).toBe(200);
  expect(occupancy.parse(body)).toEqual(body);
  return body as unknown as OccupancyJson;
};
const states = (available: number[] | null, locked: number[], booked: number[], blocked: number[]) => {
  const share = ([places, percent]: number[]) => ({ places, percent });
  return {
    available: available && share(available),
    locked: share(locked),
    booked: share(booked),
    blocked: share(blocked),
  };
};

test('what a cancelled event has not sold is blocked', async () => {
  const [hall, pool] = [await booking.seatEvent(), await booking.poolEvent({ capacity: 10 })];
  await sell({ event_id: hall, seats: ['A-1'] });
  await sell({ event_id: pool, quantity: 4 });
  await booking.pool.query('update events set cancelled_at = clock.app_now() where id = any ($1::text[])', [
    [hall, pool],
  ]);
  expect(await read(hall)).toMatchObject({ states: states([0, 0], [0, 0], [1, 10], [9, 90]) });
  expect(await read(pool)).toMatchObject({ states: states([0, 0], [0, 0], [4, 40], [6, 60]) });
});

test('seats are counted by state and category, those of the house on their own', async () => {
  const event = await booking.seatEvent({
    rows: [
      { row: 'A', seats: 4, category: 'premium' },
      { row: 'B', seats: 8, category: 'standard' },
    ],
  });
  await hold({ event_id: event, seats: ['B-1', 'B-2'] });
  await sell({ event_id: event, seats: ['A-1', 'B-3'] });
  // B-1 was held before the house wanted it.
  await booking.pool.query("update events set house_blocks = '{A-4,B-1}' where id = $1", [event]);
  expect(await read(event)).toMatchObject({
    event_id: event,
    places: 12,
    states: states([7, 58.3], [2, 16.7], [2, 16.7], [1, 8.3]),
    categories: [
      { category: 'premium', places: 4, states: states([2, 50], [0, 0], [1, 25], [1, 25]) },
      { category: 'standard', places: 8, states: states([5, 62.5], [2, 25], [1, 12.5], [0, 0]) },
    ],
  });
});

test('places of a pool are counted by what was bought; its categories share what is left', async () => {
  const event = await booking.poolEvent({ capacity: 40 });
  const prices = [
    { category: 'standard', amount: 1 },
    { category: 'child', amount: 1 },
  ];
  await booking.pool.query('update events set prices = $2::jsonb where id = $1', [event, JSON.stringify(prices)]);
  await hold({ event_id: event, quantity: 2, category: 'child' });
  await sell({ event_id: event, quantity: 4, category: 'standard' });
  await sell({ event_id: event, quantity: 1, category: 'child' });
  expect(await read(event)).toMatchObject({
    places: 40,
    states: states([33, 82.5], [2, 5], [5, 12.5], [0, 0]),
    categories: [
      { category: 'standard', places: null, states: states(null, [0, 0], [4, 10], [0, 0]) },
      { category: 'child', places: null, states: states(null, [2, 5], [1, 2.5], [0, 0]) },
    ],
  });
});

test('it is for operators and admins, and an unknown event is not found', async () => {
  const path = `/v1/events/${await booking.poolEvent()}/occupancy`;
  expect((await http.get(path)).status).toBe(401);
  expect((await http.get(path, { as: 'customer' })).status).toBe(403);
  expect((await http.get(path, { as: 'admin' })).status).toBe(200);
  for (const id of [newId('evt'), newId('res'), 'x']) {
    expect((await http.get(`/v1/events/${id}/occupancy`, { as: 'admin' })).status).toBe(404);
  }
});
