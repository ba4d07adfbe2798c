import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { seatAvailability, slotAvailability } from '@holdfast/shared/contracts/catalogue';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type BookingId } from '@holdfast/shared/ids';
import { bookClaims } from '../inventory/book-claims.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { pointersOf, serveRoutes, type HttpFixture, type Reply } from '../testing/http-fixture.ts';
import { availabilityRoutes } from './routes.ts';

let booking: BookingFixture;
/** Two replicas of the service: what one does the other must show. */
let http: HttpFixture;
let replica: HttpFixture;
beforeAll(async () => {
  booking = await setupBooking();
  http = await serveRoutes(availabilityRoutes(booking));
  replica = await serveRoutes(availabilityRoutes(booking));
});
afterAll(async () => {
  await Promise.all([http.stop(), replica.stop()]);
  await booking.stop();
});

/** Holds as somebody new and returns the booking's id. */
async function hold(body: object): Promise<BookingId> {
  const [result] = await booking.settle(aHold(body));
  if (result?.kind !== 'answered') throw new Error(`refused: ${JSON.stringify(result)}`);
  return (JSON.parse(result.answer.body) as { id: BookingId }).id;
}
const release = (id: BookingId) => withTransaction(booking.pool, (tx) => releaseClaims(tx, [id]));
const book = (id: BookingId) => withTransaction(booking.pool, (tx) => bookClaims(tx, [id]));
const statuses = (reply: Reply) => Object.fromEntries(reply.body.seats.map((seat) => [seat.label, seat.status]));

test('slots have a tag of what is shown: who has it gets 304, until something changes', async () => {
  const resource = await booking.resource();
  const path = `/v1/resources/${resource}/availability?date=${aSlot().starts_at.slice(0, 10)}`;
  const first = await http.get(path);
  const headers = { 'if-none-match': first.headers.get('etag')! };
  expect(await http.get(path, { headers })).toMatchObject({ status: 304, text: '' });
  expect((await replica.get(path, { headers })).status).toBe(304);
  await hold({ resource_id: resource, ...aSlot() });
  const after = await http.get(path, { headers });
  expect(after.status).toBe(200);
  expect(after.headers.get('etag')).not.toBe(first.headers.get('etag'));
});

describe('an event with seats', () => {
  const rows = [
    { row: 'A', seats: 2, category: 'premium' },
    { row: 'B', seats: 10, category: 'standard' },
  ];

  test('lists every seat in the order of the hall, as the contract says', async () => {
    const event = await booking.seatEvent({ rows });
    const { status, headers, body } = await http.get(`/v1/events/${event}/availability`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(seatAvailability.parse(body)).toEqual(body);
    expect(body).toMatchObject({ event_id: event, counts: { available: 12, locked: 0, booked: 0 } });
    expect(Math.abs(Date.parse(body.as_of) - Date.now())).toBeLessThan(5_000);
    expect(body.seats.map((seat) => seat.label)).toEqual([
      'A-1',
      'A-2',
      ...Array.from({ length: 10 }, (_, index) => `B-${index + 1}`),
    ]);
    expect(body.seats[0]).toEqual({ label: 'A-1', row: 'A', number: 1, category: 'premium', status: 'AVAILABLE' });
  });

  test('shows a hold as LOCKED, a sale as BOOKED, and what came back as AVAILABLE', async () => {
    const event = await booking.seatEvent({ rows });
    const first = await hold({ event_id: event, seats: ['B-3', 'B-4'] });
    const second = await hold({ event_id: event, seats: ['A-2'] });
    await book(second);
    const both = await http.get(`/v1/events/${event}/availability`);
    expect(both.body.counts).toEqual({ available: 9, locked: 2, booked: 1 });
    expect(statuses(both)).toMatchObject({ 'A-1': 'AVAILABLE', 'A-2': 'BOOKED', 'B-3': 'LOCKED', 'B-4': 'LOCKED' });

    await release(first);
    const after = await http.get(`/v1/events/${event}/availability`);
    expect(after.body.counts).toEqual({ available: 11, locked: 0, booked: 1 });
    expect(after.body.version).toBeGreaterThan(both.body.version);
  });

  test('of a cancelled event nothing is free: what is not sold shows as LOCKED', async () => {
    const event = await booking.seatEvent({ rows });
    await book(await hold({ event_id: event, seats: ['A-2'] }));
    const before = await http.get(`/v1/events/${event}/availability`);
    await booking.pool.query(
      'update events set cancelled_at = clock.app_now(), inventory_version = inventory_version + 1 where id = $1',
      [event],
    );
    const after = await http.get(`/v1/events/${event}/availability`, {
      headers: { 'if-none-match': before.headers.get('etag')! },
    });
    expect(after.status).toBe(200);
    expect(after.body.counts).toEqual({ available: 0, locked: 11, booked: 1 });
    expect(statuses(after)).toMatchObject({ 'A-1': 'LOCKED', 'A-2': 'BOOKED', 'B-10': 'LOCKED' });
    expect((await http.get(`/v1/events/${event}/availability?view=taken`)).body.seats).toHaveLength(12);
  });

  test('?view=taken lists only what is not free', async () => {
    const event = await booking.seatEvent({ rows });
    expect((await http.get(`/v1/events/${event}/availability?view=taken`)).body.seats).toEqual([]);
    await hold({ event_id: event, seats: ['B-9', 'A-1'] });
    const { body } = await http.get(`/v1/events/${event}/availability?view=taken`);
    expect(body.seats.map((seat) => seat.label)).toEqual(['A-1', 'B-9']);
    expect(body.counts).toEqual({ available: 10, locked: 2, booked: 0 });
    expect(seatAvailability.parse(body)).toEqual(body);
  });

  test('whoever has the version gets 304 until something changes', async () => {
    const event = await booking.seatEvent({ rows });
    const path = `/v1/events/${event}/availability`;
    const etag = (await http.get(path)).headers.get('etag')!;
    const headers = { 'if-none-match': etag };
    expect(await replica.get(path, { headers })).toMatchObject({ status: 304, text: '' });
    await hold({ event_id: event, seats: ['A-1'] });
    const changed = await replica.get(path, { headers });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).toBe(`"${changed.body.version}"`);
    expect(changed.headers.get('etag')).not.toBe(etag);
  });

  test('nobody who has just taken a seat sees it free, at any replica, however many read meanwhile', async () => {
    const event = await booking.seatEvent({ rows });
    const path = `/v1/events/${event}/availability`;
    let done = false;
    const crowd = [http, replica].map(async (server) => {
      while (!done) await Promise.all(Array.from({ length: 5 }, () => server.get(path)));
    });
    for (const { number } of Array.from({ length: 10 }, (_, index) => ({ number: index + 1 }))) {
      const id = await hold({ event_id: event, seats: [`B-${number}`] });
      const seen = await Promise.all([http.get(path), replica.get(path), http.get(`${path}?view=taken`)]);
      expect(seen.map((reply) => statuses(reply)[`B-${number}`])).toEqual(['LOCKED', 'LOCKED', 'LOCKED']);
      if (number % 2 === 0) {
        await release(id);
        expect(statuses(await replica.get(path))[`B-${number}`]).toBe('AVAILABLE');
      }
    }
    done = true;
    await Promise.all(crowd);
  });
});

describe('an event of a pool', () => {
  test('has counts only', async () => {
    const event = await booking.poolEvent({ capacity: 20 });
    const first = await hold({ event_id: event, quantity: 3 });
    const second = await hold({ event_id: event, quantity: 2 });
    await book(second);
    const { body } = await http.get(`/v1/events/${event}/availability`);
    expect(seatAvailability.parse(body)).toEqual(body);
    expect(body).not.toHaveProperty('seats');
    expect(body.counts).toEqual({ available: 15, locked: 3, booked: 2 });
    await release(first);
    const after = await http.get(`/v1/events/${event}/availability?view=taken`);
    expect(after.body.counts).toEqual({ available: 18, locked: 0, booked: 2 });
    expect(after.headers.get('etag')).toBe(`"${after.body.version}"`);
  });
});

describe('a resource', () => {
  const HOUR = 3_600_000;
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  /** Midnight UTC of the day after tomorrow: no run of this test reaches it. */
  const day = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 86_400_000;
  const at = (hours: number) => new Date(day + hours * HOUR).toISOString();

  test('lists the slots of a date with their status and price, as the contract says', async () => {
    const resource = await booking.resource({ slotMinutes: 60 });
    await hold({ resource_id: resource, starts_at: at(10), ends_at: at(12) });
    await book(await hold({ resource_id: resource, starts_at: at(15), ends_at: at(16) }));
    await release(await hold({ resource_id: resource, starts_at: at(20), ends_at: at(21) }));
    const { status, body } = await http.get(`/v1/resources/${resource}/availability?date=${dateOf(day)}`);
    expect(status).toBe(200);
    expect(slotAvailability.parse(body)).toEqual(body);
    expect(body).toMatchObject({ resource_id: resource, time_zone: 'UTC' });
    expect(body.slots).toHaveLength(24);
    expect(body.slots[10]).toEqual({
      starts_at: at(10),
      ends_at: at(11),
      status: 'LOCKED',
      price: { amount: 1200, currency: 'EUR' },
    });
    const taken = body.slots.flatMap((slot, hour) => (slot.status === 'AVAILABLE' ? [] : [`${hour} ${slot.status}`]));
    expect(taken).toEqual(['10 LOCKED', '11 LOCKED', '15 BOOKED']);
  });

  test('a run over midnight is taken on both dates', async () => {
    const resource = await booking.resource({ slotMinutes: 60 });
    await hold({ resource_id: resource, starts_at: at(23), ends_at: at(25) });
    const { body } = await http.get(`/v1/resources/${resource}/availability?date=${dateOf(day)}&days=2`);
    expect(body.slots).toHaveLength(48);
    expect(body.slots.slice(22, 26).map((slot) => slot.status)).toEqual(['AVAILABLE', 'LOCKED', 'LOCKED', 'AVAILABLE']);
  });

  test('what has begun is PAST, taken or not', async () => {
    const resource = await booking.resource({ slotMinutes: 60 });
    await hold({ resource_id: resource, starts_at: at(10), ends_at: at(11) });
    await booking.database.setClockOffset(day + 10.5 * HOUR - Date.now());
    try {
      const { body } = await http.get(`/v1/resources/${resource}/availability?date=${dateOf(day)}`);
      const seen = body.slots.map((slot) => slot.status);
      expect(seen).toEqual([...Array<string>(11).fill('PAST'), ...Array<string>(13).fill('AVAILABLE')]);
    } finally {
      await booking.database.setClockOffset(0);
    }
  });

  test('a date belongs to the time zone of the venue, with 23 and 25 hours when its clocks change', async () => {
    const resource = await booking.resource({ slotMinutes: 60 });
    await booking.pool.query(
      `update venues set time_zone = 'Europe/Paris' where id = (select venue_id from resources where id = $1)`,
      [resource],
    );
    const spring = await http.get(`/v1/resources/${resource}/availability?date=2034-03-26`);
    expect(spring.body.slots).toHaveLength(23);
    expect(spring.body.slots[0]!.starts_at).toBe('2034-03-25T23:00:00.000Z');
    expect((await http.get(`/v1/resources/${resource}/availability?date=2034-10-29`)).body.slots).toHaveLength(25);
  });

  test.each([
    ['', '?date'],
    ['?date=', '?date'],
    ['?date=today', '?date'],
    ['?date=2026-02-30', '?date'],
    ['?date=2026-01-01T00:00:00Z', '?date'],
    ['?date=2026-01-01&date=2026-01-02', '?date'],
    ['?date=2026-01-01&days=0', '?days'],
    ['?date=2026-01-01&days=32', '?days'],
    ['?date=2026-01-01&days=1.5', '?days'],
    ['?date=2026-01-01&from=x', '?from'],
  ])('the query %j is refused', async (query, pointer) => {
    const reply = await http.get(`/v1/resources/${newId('res')}/availability${query}`);
    expect([reply.status, pointersOf(reply)]).toEqual([422, [pointer]]);
  });

  test.each(['0000-01-01', '0001-01-01', '9999-12-31'])('the far date %s is only a date', async (date) => {
    const resource = await booking.resource({ slotMinutes: 60 });
    const reply = await http.get(`/v1/resources/${resource}/availability?date=${date}&days=2`);
    expect([reply.status, reply.body.slots.length]).toEqual([200, 48]);
  });
});

test('unknown and malformed ids are not found, unknown queries are refused', async () => {
  const query = '?date=2026-01-01';
  for (const id of [newId('evt'), 'evt_x', newId('res'), '%00', newId('evt').toUpperCase()]) {
    expect((await http.get(`/v1/events/${id}/availability`)).status).toBe(404);
  }
  for (const id of [newId('res'), 'res_x', newId('evt'), '%00']) {
    expect((await http.get(`/v1/resources/${id}/availability${query}`)).status).toBe(404);
  }
  const reply = await http.get(`/v1/events/${newId('evt')}/availability?view=some`);
  expect([reply.status, pointersOf(reply)]).toEqual([422, ['?view']]);
});
