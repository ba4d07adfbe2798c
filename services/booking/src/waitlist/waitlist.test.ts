import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId, type EventId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { BookingWatch } from '../bookings/booking-watch.ts';
import { expireHolds } from '../bookings/expire-holds.ts';
import { driveCancellations } from '../event-cancellation/drive-cancellations.ts';
import { eventCancellationRoutes } from '../event-cancellation/routes.ts';
import { seriesRoutes } from '../series/routes.ts';
import { SERIES_LIMITS, SERIES_TIMES } from '../testing/series-fixture.ts';
import { driveReschedules } from '../event-reschedule/drive-reschedules.ts';
import { eventRescheduleRoutes } from '../event-reschedule/routes.ts';
import { HOLD_LIMITS, aCustomer, aHold, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { serveRoutes } from '../testing/http-fixture.ts';
import { READ_PER_WISH } from './read-due-lines.ts';
import { WAITS_PER_USER, waitlistOver, type Joined, type WaitlistFixture } from '../testing/waitlist-fixture.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
let waitlist: WaitlistFixture;
const watch = new BookingWatch({ hint: () => undefined, onHint: () => undefined });
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
  waitlist = await waitlistOver(booking);
});
afterEach(async () => {
  await booking.database.setClockOffset(0);
  expect(await waitlist.miscounted()).toEqual([]);
});
afterAll(async () => {
  await waitlist?.stop();
  await booking?.stop();
});

const expire = () => expireHolds({ pool: booking.pool, watch, onCommit });

/** A pool of that many places, each held by somebody else. */
async function soldOut(
  capacity: number,
): Promise<{ event: EventId; holds: Awaited<ReturnType<WaitlistFixture['held']>>[] }> {
  const event = await booking.poolEvent({ capacity });
  const holds = [];
  for (let n = 0; n < capacity; n++) holds.push(await waitlist.held({ event_id: event, quantity: 1 }));
  return { event, holds };
}

const offerOf = async (joined: Joined) => (await waitlist.read(joined)).booking;
const asHeld = (joined: Joined, event: EventId): Held => ({
  id: joined.entry.booking_id,
  caller: aCustomer(joined.userId),
  event,
});
async function eventsOf(bookingId: string): Promise<string[]> {
  const { rows } = await booking.pool.query<{ name: string }>(
    `select family || '.' || split_part(subject, '.', 4) as name from outbox where ordering_key = $1 order by created_at, family, seq`,
    [bookingId],
  );
  return rows.map(({ name }) => name);
}

describe('when a place of a sold-out event comes back', () => {
  test('the first in line gets it as a hold with a time of its own; the next one moves up', async () => {
    const { event, holds } = await soldOut(2);
    const first = await waitlist.join({ event_id: event, quantity: 1 });
    const second = await waitlist.join({ event_id: event, quantity: 1 });
    expect(first.reply).toMatchObject({ status: 201, body: { status: 'WAITING', position: 1, booking: null } });
    expect(first.reply.headers.get('location')).toBe(`/v1/waitlist/${first.entry.id}`);
    expect(second.entry.position).toBe(2);
    expect(await waitlist.serve()).toBe(0);

    await waitlist.cancel(holds[0]!);
    expect(await waitlist.serve()).toBe(1);
    const offered = await waitlist.read(first);
    expect(offered).toMatchObject({
      status: 'OFFERED',
      position: null,
      booking: { id: first.entry.booking_id, status: 'HELD', quantity: 1, waitlist_entry_id: first.entry.id },
    });
    expect(Date.parse(offered.booking!.hold_expires_at!) - Date.parse(offered.offered_at!)).toBe(3_600_000);
    expect(await waitlist.read(second)).toMatchObject({ status: 'WAITING', position: 1 });
    expect(await waitlist.serve()).toBe(0);
    expect(await eventsOf(first.entry.booking_id)).toEqual(['booking.offered', 'hold.held']);
    expect(await checkout.history(asHeld(first, event))).toEqual(['PENDING', 'PENDING HELD']);
  });

  test('whoever walks by in the moment of the release comes after the line, and makes the offer happen', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    expect(await waitlist.hold({ event_id: event, quantity: 1 })).toEqual({ refused: 'too_few_places' });
    expect((await waitlist.read(waiter)).status).toBe('OFFERED');
    expect(await waitlist.serve()).toBe(0);
  });

  test('and fits nobody who waits, whoever walks by may have it', async () => {
    const { event, holds } = await soldOut(2);
    const pair = await waitlist.join({ event_id: event, quantity: 2 });
    await waitlist.cancel(holds[0]!);
    expect(await waitlist.serve()).toBe(0);
    const walkIn = await waitlist.held({ event_id: event, quantity: 1 });
    await waitlist.cancel(walkIn);
    await waitlist.cancel(holds[1]!);
    expect(await waitlist.hold({ event_id: event, quantity: 1 })).toEqual({ refused: 'too_few_places' });
    expect((await offerOf(pair))?.quantity).toBe(2);
  });

  test('a group that is too large is passed over and stays first; one that takes less gets what there is', async () => {
    const { event, holds } = await soldOut(4);
    const group = await waitlist.join({ event_id: event, quantity: 3 });
    const some = await waitlist.join({ event_id: event, quantity: 4, min_quantity: 2 });
    const single = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    expect(await waitlist.statuses([group, some, single])).toEqual(['WAITING', 'WAITING', 'OFFERED']);
    await waitlist.cancel(holds[1]!);
    await waitlist.cancel(holds[2]!);
    await waitlist.serve();
    expect(await waitlist.statuses([group, some])).toEqual(['WAITING', 'OFFERED']);
    expect(await offerOf(some)).toMatchObject({ quantity: 2, price: { amount: 3000 } });
    await waitlist.leave(some);
    await waitlist.leave(single);
    await waitlist.serve();
    expect(await waitlist.statuses([group])).toEqual(['OFFERED']);
  });

  test('at quoted prices an offer is made at the list price, where the event is sold at it; else nobody can wait', async () => {
    const wish = (event_id: string) => ({ event_id, quantity: 1 });
    const lenient = await booking.poolEvent({ capacity: 1, pricing: 'quoted', quoteFallback: 'list' });
    const [first] = await booking.settle({ ...aHold(wish(lenient)), pricing: { kind: 'list' } });
    expect(first!.kind).toBe('answered');
    const waiting = await waitlist.join(wish(lenient));
    await booking.pool.query('update events set capacity = 2 where id = $1', [lenient]);
    await booking.pool.query('update events set inventory_version = inventory_version + 1 where id = $1', [lenient]);
    await waitlist.serve();
    expect(await offerOf(waiting)).toMatchObject({ price: { amount: 1_500 } });

    const strict = await booking.poolEvent({ capacity: 1, pricing: 'quoted', quoteFallback: 'refuse' });
    expect((await waitlist.join(wish(strict))).reply).toMatchObject({ status: 422, body: { code: 'no_waitlist' } });
  });

  test('numbered places keep their numbers: the offer and who walks by after it never share one', async () => {
    const event = await booking.poolEvent({ capacity: 3, numbered: true });
    const holds = [];
    for (let n = 0; n < 3; n++) holds.push(await waitlist.held({ event_id: event, quantity: 1 }));
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.cancel(holds[2]!);
    const walkIn = await waitlist.held({ event_id: event, quantity: 1 });
    expect([(await offerOf(waiter))?.seats, walkIn.booking.seats]).toEqual([['1'], ['3']]);
  });

  test('a customer with a full basket gets the offer all the same', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    const other = await booking.poolEvent();
    for (let n = 0; n < HOLD_LIMITS.holdsPerUser; n++) {
      await booking.settle(aHold({ event_id: other, quantity: 1 }, { caller: aCustomer(waiter.userId) }));
    }
    await waitlist.cancel(holds[0]!);
    expect(await waitlist.serve()).toBe(1);
    const [more] = await booking.settle(aHold({ event_id: other, quantity: 1 }, { caller: aCustomer(waiter.userId) }));
    expect(more).toMatchObject({ kind: 'refused', refusal: { code: 'too_many_holds' } });
  });

  test('several loops together make each offer once', async () => {
    const { event, holds } = await soldOut(12);
    const waiters = [];
    for (let n = 0; n < 20; n++) waiters.push(await waitlist.join({ event_id: event, quantity: 1 }));
    await Promise.all(holds.map((one) => waitlist.cancel(one)));
    expect(await waitlist.serve(4)).toBe(12);
    const statuses = await waitlist.statuses(waiters);
    expect(statuses).toEqual([...Array<string>(12).fill('OFFERED'), ...Array<string>(8).fill('WAITING')]);
  });

  test('more who want the same than are read at once are all served, in their order', async () => {
    const event = await booking.poolEvent({ capacity: 1 });
    await waitlist.held({ event_id: event, quantity: 1 });
    const waiters = [];
    for (let n = 0; n < 70; n++) waiters.push(await waitlist.join({ event_id: event, quantity: 1 }));
    await booking.pool.query(
      `update events set capacity = 70, inventory_version = inventory_version + 1 where id = $1`,
      [event],
    );
    // The batch of who walks by offers the first of them and keeps the rest for those who are still to be read.
    expect(await waitlist.hold({ event_id: event, quantity: 1 })).toEqual({ refused: 'too_few_places' });
    expect(await waitlist.serve()).toBe(69 - READ_PER_WISH);
    const statuses = await waitlist.statuses(waiters);
    expect(statuses).toEqual([...Array<string>(69).fill('OFFERED'), 'WAITING']);
  });
});

describe('seats', () => {
  test('are offered together and in the category that was asked for', async () => {
    const event = await booking.seatEvent({
      rows: [
        { row: 'A', seats: 2, category: 'premium' },
        { row: 'B', seats: 3, category: 'standard' },
      ],
    });
    const premium = await waitlist.held({ event_id: event, seats: ['A-1', 'A-2'] });
    const [one, two, three] = [
      await waitlist.held({ event_id: event, seats: ['B-1'] }),
      await waitlist.held({ event_id: event, seats: ['B-2'] }),
      await waitlist.held({ event_id: event, seats: ['B-3'] }),
    ];
    const pair = await waitlist.join({ event_id: event, quantity: 2, category: 'standard' });
    const anySingle = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(one);
    await waitlist.cancel(three);
    await waitlist.serve();
    // B-1 and B-3 are no pair. The single has one of them, and the other is for whoever walks by.
    expect(await waitlist.statuses([pair, anySingle])).toEqual(['WAITING', 'OFFERED']);
    expect(await waitlist.hold({ event_id: event, seats: ['B-3'] })).toHaveProperty('booking');
    await waitlist.cancel(premium);
    expect(await waitlist.serve()).toBe(0);
    await waitlist.leave(anySingle);
    await waitlist.cancel(two);
    await waitlist.serve();
    expect(await offerOf(pair)).toMatchObject({ seats: ['B-1', 'B-2'], price: { amount: 9000 } });
  });

  test('that are named by whoever walks by are still the line’s when somebody there fits them', async () => {
    const event = await booking.seatEvent({ rows: [{ row: 'A', seats: 2 }] });
    const all = await waitlist.held({ event_id: event, seats: ['A-1', 'A-2'] });
    const waiter = await waitlist.join({ event_id: event, quantity: 2 });
    await waitlist.cancel(all);
    expect(await waitlist.hold({ event_id: event, seats: ['A-2'] })).toEqual({ refused: 'seats_taken' });
    expect((await offerOf(waiter))?.seats).toEqual(['A-1', 'A-2']);
  });

  test('of a house block that is lifted go to the line', async () => {
    const event = await booking.seatEvent({ rows: [{ row: 'A', seats: 1 }] });
    await booking.pool.query(`update events set house_blocks = '{A-1}' where id = $1`, [event]);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await booking.pool.query(
      `update events set house_blocks = '{}', inventory_version = inventory_version + 1 where id = $1`,
      [event],
    );
    expect(await waitlist.serve()).toBe(1);
    expect((await offerOf(waiter))?.seats).toEqual(['A-1']);
  });
});

describe('times of a resource', () => {
  test('go to the first whose whole time is free; who wants a part of it waits on', async () => {
    const net = await booking.resource();
    const taken = await waitlist.held({ resource_id: net, ...aSlot(2) });
    const long = await waitlist.join({ resource_id: net, ...aSlot(2) });
    const again = await waitlist.join({ resource_id: net, ...aSlot(2) });
    const half = await waitlist.join({ resource_id: net, ...aSlot(1, 1) });
    const longer = await waitlist.join({ resource_id: net, ...aSlot(3) });
    expect([long, again, half, longer].map(({ entry }) => entry.position)).toEqual([1, 2, 3, 4]);
    await waitlist.cancel(taken);
    expect(await waitlist.hold({ resource_id: net, ...aSlot(1) })).toEqual({ refused: 'slots_taken' });
    expect(await waitlist.statuses([long, again, half, longer])).toEqual(['OFFERED', 'WAITING', 'WAITING', 'WAITING']);
    expect(await offerOf(long)).toMatchObject({ resource_id: net, ...datesOf(aSlot(2)), price: { amount: 2400 } });
    await waitlist.leave(long);
    await waitlist.leave(again);
    await waitlist.serve();
    expect(await waitlist.statuses([half, longer])).toEqual(['OFFERED', 'WAITING']);
    // What nobody wants is free for all.
    expect(await waitlist.hold({ resource_id: net, ...aSlot(1) })).toHaveProperty('booking');
  });

  test('go to the line before a series takes them', async () => {
    const net = await booking.resource();
    const taken = await waitlist.held({ resource_id: net, ...aSlot(1) });
    const waiter = await waitlist.join({ resource_id: net, ...aSlot(1) });
    await waitlist.cancel(taken);
    const { pool, holdDeps } = booking;
    const series = await serveRoutes(
      seriesRoutes({
        ...{ pool, references: holdDeps.references, holds: holdDeps, times: SERIES_TIMES, limits: SERIES_LIMITS },
        ...{ fee: HOLD_LIMITS.fee, watch, onCommit },
      }),
    );
    const starts_at = aSlot(1).starts_at.slice(0, 16);
    const wish = { resource_id: net, starts_at, duration: 'PT30M', rrule: 'FREQ=WEEKLY;COUNT=3', skip_conflicts: true };
    const headers = { 'idempotency-key': newId('req') };
    const reply = await series.post('/v1/series', wish, { as: 'customer', headers });
    await series.stop();
    expect(reply.status).toBe(201);
    expect((await waitlist.read(waiter)).status).toBe('OFFERED');
  });

  test('end their wait when they begin', async () => {
    const net = await booking.resource();
    await waitlist.held({ resource_id: net, ...aSlot(1) });
    const waiter = await waitlist.join({ resource_id: net, ...aSlot(1) });
    await booking.database.setClockOffset(Date.parse(aSlot(1).starts_at) - Date.now() + 1_000);
    expect(await waitlist.close()).toBeGreaterThan(0);
    expect((await waitlist.read(waiter)).status).toBe('EXPIRED');
    expect(await waitlist.close()).toBe(0);
  });

  const datesOf = ({ starts_at, ends_at }: { starts_at: string; ends_at: string }) => ({ starts_at, ends_at });
});

describe('an offer', () => {
  test('that is paid makes the entry ACCEPTED, also when the booking is cancelled later', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    const held = asHeld(waiter, event);
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    expect(await waitlist.read(waiter)).toMatchObject({ status: 'ACCEPTED', booking: { status: 'CONFIRMED' } });
    expect((await waitlist.leave(waiter)).body.code).toBe('not_waiting');
    await checkout.cancel(held);
    expect((await waitlist.read(waiter)).status).toBe('ACCEPTED');
  });

  test('that is paid in its last minute is given the time that a payment takes', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    await booking.database.advanceClock(3_590_000);
    const { body } = await checkout.pay(asHeld(waiter, event));
    expect(Date.parse(body.hold_expires_at!) - Date.parse(body.server_now)).toBeGreaterThan(900_000);
  });

  test('that nobody takes lapses, and the next in line gets it', async () => {
    const { event, holds } = await soldOut(1);
    const first = await waitlist.join({ event_id: event, quantity: 1 });
    const second = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    await booking.database.advanceClock(3_601_000);
    await expire();
    await waitlist.serve();
    expect(await waitlist.statuses([first, second])).toEqual(['EXPIRED', 'OFFERED']);
    expect((await eventsOf(first.entry.booking_id)).sort()).toEqual([
      'booking.expired',
      'booking.offered',
      'hold.held',
    ]);
  });

  test('ends at the start of what is offered, but not before an ordinary hold would', async () => {
    const event = await booking.poolEvent({ capacity: 1, startsInHours: 0.5 });
    const hold = await waitlist.held({ event_id: event, quantity: 1 });
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(hold);
    await waitlist.serve();
    const offer = await offerOf(waiter);
    expect(offer?.hold_expires_at).toBe(offer?.starts_at);
  });
});

describe('whoever leaves', () => {
  test('the line is out of it, is told the same twice, and may join again at the end', async () => {
    const { event, holds } = await soldOut(1);
    const first = await waitlist.join({ event_id: event, quantity: 1 });
    const second = await waitlist.join({ event_id: event, quantity: 1 });
    const left = await waitlist.leave(first);
    expect(left).toMatchObject({ status: 200, body: { status: 'LEFT', position: null, booking: null } });
    expect((await waitlist.leave(first)).status).toBe(200);
    const again = await waitlist.join({ event_id: event, quantity: 1 }, { userId: first.userId });
    expect(again.entry.position).toBe(2);
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    expect(await waitlist.statuses([first, second, again])).toEqual(['LEFT', 'OFFERED', 'WAITING']);
  });

  test('an offer passes it on at once', async () => {
    const { event, holds } = await soldOut(1);
    const first = await waitlist.join({ event_id: event, quantity: 1 });
    const second = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    await waitlist.leave(first);
    await waitlist.serve();
    expect(await waitlist.statuses([first, second])).toEqual(['LEFT', 'OFFERED']);
  });

  test('an offer that is being captured has left when the outcome is known; the key gives the final answer', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    const held = asHeld(waiter, event);
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    const key = { 'idempotency-key': 'leave-1' };
    expect((await waitlist.leave(waiter, key)).status).toBe(202);
    await checkout.tell(held, 'captured');
    expect(await waitlist.leave(waiter, key)).toMatchObject({ status: 200, body: { status: 'LEFT' } });
  });

  test('and is not the one who waits gets nothing to see', async () => {
    const { event } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    const stranger = { ...waiter, userId: newId('usr') };
    expect((await waitlist.leave(stranger)).body.code).toBe('not_found');
    expect(await waitlist.read(stranger)).toMatchObject({ code: 'not_found' });
    expect((await waitlist.http.get('/v1/waitlist/wtl_x', { as: 'operator' })).body.code).toBe('not_found');
    const seen = await waitlist.http.get(`/v1/waitlist/${waiter.entry.id}`, { as: 'operator' });
    expect(seen.body.id).toBe(waiter.entry.id);
  });
});

describe('a wait ends', () => {
  test('with the sales of the event, and not before', async () => {
    const { event } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    expect(await waitlist.close()).toBe(0);
    await booking.pool.query(`update events set sales_close_at = clock.app_now() where id = $1`, [event]);
    expect(await waitlist.close()).toBe(1);
    expect((await waitlist.read(waiter)).status).toBe('EXPIRED');
    expect(await eventsOf(waiter.entry.booking_id)).toEqual(['booking.expired']);
    expect(await checkout.history(asHeld(waiter, event))).toEqual(['PENDING', 'PENDING EXPIRED']);
  });

  test('with the cancellation of the event, also for those who have an offer', async () => {
    const { event, holds } = await soldOut(1);
    const [offered, waiting] = [
      await waitlist.join({ event_id: event, quantity: 1 }),
      await waitlist.join({ event_id: event, quantity: 1 }),
    ];
    await waitlist.cancel(holds[0]!);
    await waitlist.serve();
    const http = await serveRoutes(eventCancellationRoutes({ pool: booking.pool }));
    await http.post(`/v1/events/${event}/cancel`, { reason: 'the hall is under water' });
    await http.stop();
    expect(await waitlist.close()).toBe(0);
    const logger = createLogger({ service: 'booking-test', level: 'silent' });
    for (let more = true; more;) {
      await booking.database.advanceClock(1_000);
      ({ more } = await driveCancellations({ pool: booking.pool, watch, onCommit, logger }));
    }
    expect(await waitlist.statuses([offered, waiting])).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await waitlist.serve()).toBe(0);
  });
});

describe('a line is kept', () => {
  test('while the event is archived or off sale, and served when it is sold again', async () => {
    const { event, holds } = await soldOut(2);
    const waiters = [
      await waitlist.join({ event_id: event, quantity: 1 }),
      await waitlist.join({ event_id: event, quantity: 1 }),
    ];
    const set = (assignment: string) => booking.pool.query(`update events set ${assignment} where id = $1`, [event]);
    await set('archived_at = clock.app_now()');
    await waitlist.cancel(holds[0]!);
    expect(await waitlist.serve()).toBe(0);
    await set(`archived_at = null, sales_open_at = clock.app_now() + interval '1 hour'`);
    expect(await waitlist.serve()).toBe(0);
    expect(await waitlist.close()).toBe(0);
    await booking.database.advanceClock(3_600_000);
    expect(await waitlist.serve()).toBe(1);
    expect(await waitlist.statuses(waiters)).toEqual(['OFFERED', 'WAITING']);
  });

  test('when the event is moved: who waits is told, and the offer is for the new time', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    const http = await serveRoutes(eventRescheduleRoutes({ pool: booking.pool }));
    const later = { starts_at: '2030-01-04T18:00:00.000Z', ends_at: '2030-01-04T20:00:00.000Z' };
    await http.post(`/v1/events/${event}/reschedule`, { ...later, reason: 'the band is stuck in the snow' });
    await http.stop();
    for (let more = true; more;) {
      await booking.database.advanceClock(1_000);
      ({ more } = await driveReschedules({ pool: booking.pool, watch, onCommit }));
    }
    expect(await waitlist.read(waiter)).toMatchObject({ status: 'WAITING', position: 1, ...later });
    expect(await eventsOf(waiter.entry.booking_id)).toEqual(['booking.rescheduled']);

    await waitlist.cancel(holds[0]!);
    expect(await waitlist.serve()).toBe(1);
    expect(await offerOf(waiter)).toMatchObject({ status: 'HELD', ...later });
    expect((await eventsOf(waiter.entry.booking_id)).sort()).toEqual([
      'booking.offered',
      'booking.rescheduled',
      'hold.held',
    ]);
  });

  test('when somebody pays for one of the others, without a look at it', async () => {
    const { event, holds } = await soldOut(1);
    const waiter = await waitlist.join({ event_id: event, quantity: 1 });
    await expect(checkout.pay(asHeld(waiter, event))).rejects.toMatchObject({ code: 'not_payable' });
    const held: Held = { ...holds[0]!, event };
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    expect(await waitlist.serve()).toBe(0);
    expect(await waitlist.statuses([waiter])).toEqual(['WAITING']);
  });
});

describe('who may wait', () => {
  const refusal = async (body: object, userId = newId('usr')) =>
    (await waitlist.join(body, { userId })).reply.body.code;

  test('nobody, for what is free; the least that would be taken counts', async () => {
    const event = await booking.poolEvent({ capacity: 2 });
    await waitlist.held({ event_id: event, quantity: 1 });
    const before = await booking.footprint();
    expect(await refusal({ event_id: event, quantity: 1 })).toBe('nothing_to_wait_for');
    expect(await refusal({ event_id: event, quantity: 2, min_quantity: 1 })).toBe('nothing_to_wait_for');
    expect(await booking.footprint()).toEqual(before);
    expect((await waitlist.join({ event_id: event, quantity: 2 })).reply.status).toBe(201);
    const net = await booking.resource();
    expect(await refusal({ resource_id: net, ...aSlot() })).toBe('nothing_to_wait_for');
  });

  test('one who comes while a place is free that the line is about to get', async () => {
    const { event, holds } = await soldOut(1);
    const first = await waitlist.join({ event_id: event, quantity: 1 });
    await waitlist.cancel(holds[0]!);
    expect((await waitlist.join({ event_id: event, quantity: 1 })).reply.status).toBe(201);
    await waitlist.serve();
    expect((await waitlist.read(first)).status).toBe('OFFERED');
  });

  test('nobody twice for the same, also in the same moment, and nobody for too much', async () => {
    const { event } = await soldOut(1);
    const userId = newId('usr');
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => waitlist.join({ event_id: event, quantity: 1 }, { userId })),
    );
    expect(replies.map(({ reply }) => reply.body.code ?? reply.status).sort()).toEqual([
      201,
      ...Array<string>(5).fill('already_waiting'),
    ]);
    for (let n = 1; n < WAITS_PER_USER; n++) {
      const { event: other } = await soldOut(1);
      expect((await waitlist.join({ event_id: other, quantity: 1 }, { userId })).reply.status).toBe(201);
    }
    expect(await refusal({ event_id: (await soldOut(1)).event, quantity: 1 }, userId)).toBe('too_many_waits');
  });

  test('nobody for what cannot be booked', async () => {
    const { event } = await soldOut(2);
    const hall = await booking.seatEvent({
      rows: [
        { row: 'A', seats: 2 },
        { row: 'B', seats: 2 },
      ],
    });
    const net = await booking.resource();
    const set = (assignment: string, id: string) =>
      booking.pool.query(`update events set ${assignment} where id = $1`, [id]);
    expect(await refusal({ event_id: newId('evt'), quantity: 1 })).toBe('not_found');
    expect(await refusal({ resource_id: newId('res'), ...aSlot() })).toBe('not_found');
    expect(await refusal({ event_id: event, quantity: 3 })).toBe('never_available');
    expect(await refusal({ event_id: hall, quantity: 3 })).toBe('never_available');
    expect(await refusal({ event_id: event, quantity: 11 })).toBe('too_many_places');
    expect(await refusal({ event_id: event, quantity: 1, category: 'royal' })).toBe('unknown_category');
    expect(await refusal({ resource_id: net, ...aSlot(1, 0.5) })).toBe('off_grid');
    await set(`sales_open_at = clock.app_now() + interval '1 hour'`, event);
    expect(await refusal({ event_id: event, quantity: 1 })).toBe('sales_not_open');
    await set(`sales_open_at = null, sales_close_at = clock.app_now()`, event);
    expect(await refusal({ event_id: event, quantity: 1 })).toBe('sales_closed');
    await set(`sales_close_at = null, cancelled_at = clock.app_now()`, event);
    expect(await refusal({ event_id: event, quantity: 1 })).toBe('event_cancelled');
    await set(`cancelled_at = null, archived_at = clock.app_now()`, event);
    expect(await refusal({ event_id: event, quantity: 1 })).toBe('archived');
    expect(await refusal({ event_id: await booking.poolEvent({ startsInHours: -3 }), quantity: 1 })).toBe('event_over');
  });

  test.each([
    [{ event_id: newId('evt') }, ['/quantity']],
    [{ event_id: newId('evt'), quantity: 0 }, ['/quantity']],
    [{ event_id: newId('evt'), quantity: 2, min_quantity: 3 }, ['/min_quantity']],
    [{ event_id: newId('evt'), quantity: 1, seats: ['A-1'] }, ['/seats']],
    [{ event_id: newId('bkg'), quantity: 1 }, ['/event_id']],
    [{ resource_id: newId('res'), ...aSlot(), quantity: 1 }, ['/quantity']],
    [{ resource_id: newId('res'), starts_at: aSlot().ends_at, ends_at: aSlot().starts_at }, ['/ends_at']],
    [{ resource_id: newId('res'), starts_at: '2027-01-04T18:00', ends_at: '2027-02-04T18:00:00Z' }, ['/starts_at']],
  ])('%j has a wrong field', async (body, pointers) => {
    const { reply } = await waitlist.join(body);
    expect([reply.status, reply.body.errors?.map(({ pointer }) => pointer)]).toEqual([422, pointers]);
  });

  test('and a repeated call is the same entry', async () => {
    const { event } = await soldOut(1);
    const userId = newId('usr');
    const [one, two] = [
      await waitlist.join({ event_id: event, quantity: 1 }, { userId, key: 'k' }),
      await waitlist.join({ event_id: event, quantity: 1 }, { userId, key: 'k' }),
    ];
    expect(two.reply.headers.get('idempotent-replayed')).toBe('true');
    expect(two.reply.text).toBe(one.reply.text);
    const other = await waitlist.join({ event_id: event, quantity: 2 }, { userId, key: 'k' });
    expect(other.reply.body.code).toBe('idempotency_key_reused');
    const none = await waitlist.http.post('/v1/waitlist', { event_id: event, quantity: 1 }, { as: 'customer' });
    expect(none.body.code).toBe('idempotency_key_missing');
  });
});

describe('the lists', () => {
  test('show a customer the own entries, an operator a whole line, page by page and in its order', async () => {
    const { event } = await soldOut(1);
    const waiters = [];
    for (let n = 0; n < 3; n++) waiters.push(await waitlist.join({ event_id: event, quantity: 1 }));
    const own = await waitlist.http.get('/v1/waitlist', { as: 'customer', userId: waiters[1]!.userId });
    expect(own.body.data.map(({ id }) => id)).toEqual([waiters[1]!.entry.id]);
    const first = await waitlist.http.get(`/v1/waitlist?event_id=${event}&limit=2`, { as: 'operator' });
    const rest = await waitlist.http.get(
      `/v1/waitlist?event_id=${event}&limit=2&status=WAITING&cursor=${first.body.next_cursor}`,
      { as: 'operator' },
    );
    expect([...first.body.data, ...rest.body.data].map(({ id }) => id)).toEqual(waiters.map(({ entry }) => entry.id));
    expect(rest.body.has_more).toBe(false);
    const others = await waitlist.http.get(`/v1/waitlist?event_id=${event}`, { as: 'customer' });
    expect(others.body.data).toEqual([]);
    const named = await waitlist.http.get(`/v1/waitlist?user_id=${waiters[0]!.userId}`, { as: 'customer' });
    expect(named.body.code).toBe('forbidden');
    for (const query of ['?cursor=x', '?limit=0', '?event_id=evt_x', '?what=1', `?cursor=${btoa('["x"]')}`]) {
      expect((await waitlist.http.get(`/v1/waitlist${query}`, { as: 'operator' })).status).toBe(422);
    }
  });
});
