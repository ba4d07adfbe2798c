import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventId } from '@holdfast/shared/ids';
import { aCustomer, aSlot, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

/** Paying, and the hold ran out meanwhile. */
async function lapsed(held: Held, allowEquivalent = false, key?: string): Promise<Held> {
  await checkout.pay(held, key, 1, allowEquivalent);
  await checkout.expireEverything();
  expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'LAPSING' });
  return held;
}

async function lastCommand(held: Held): Promise<{ name: string; data: Record<string, unknown> }> {
  const { rows } = await booking.pool.query<{ subject: string; payload: string }>(
    `select subject, payload from outbox where ordering_key = $1 and family = 'checkout' order by seq desc limit 1`,
    [held.id],
  );
  const { data } = JSON.parse(rows[0]!.payload) as { data: Record<string, unknown> };
  return { name: rows[0]!.subject.split('.')[3]!, data };
}

const at = (labels: string[]) => ({ seats: labels });
const seatsOf = (event: EventId, ...labels: string[]) => ({ event_id: event, ...at(labels) });

describe('when the hold runs out while the customer pays', () => {
  test('the payment service is asked to give up what is not paid', async () => {
    const held = await lapsed(await checkout.hold());
    expect(await lastCommand(held)).toMatchObject({ name: 'void_requested', data: { unless_paid: true } });
  });

  test('an authorisation that comes late takes the same places again and pins them before it is captured', async () => {
    const held = await lapsed(await checkout.hold());
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({
      ...{ status: 'PAYMENT_INITIATED', pinned: true, saga: 'CAPTURING', undo: 'refund' },
      ...{ live: 2, booked: 0, seats: ['A-1', 'A-2'] },
    });
    expect((await lastCommand(held)).name).toBe('capture_requested');
    await checkout.expireEverything();
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status: 'CONFIRMED', saga: 'CONFIRMED', live: 2, booked: 2 });
    expect(await checkout.history(held)).toEqual([
      'HELD',
      'HELD PAYMENT_INITIATED',
      'PAYMENT_INITIATED EXPIRED',
      'EXPIRED PAYMENT_INITIATED',
      'PAYMENT_INITIATED PAID',
      'PAID CONFIRMED',
    ]);
    expect((await checkout.state(held)).messages?.slice(0, 2)).toEqual(['expired', 'confirmed']);
  });

  test('money that is taken already confirms the booking at once', async () => {
    const held = await lapsed(await checkout.hold());
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status: 'CONFIRMED', saga: 'CONFIRMED', live: 2, booked: 2 });
  });

  test('the call that paid is answered when it is known what became of the money, and not before', async () => {
    const won = await lapsed(await checkout.hold(), false, 'open-key');
    expect(await checkout.pay(won, 'open-key')).toMatchObject({ status: 202, body: { status: 'EXPIRED' } });
    await checkout.tell(won, 'captured');
    expect(await checkout.pay(won, 'open-key')).toMatchObject({ status: 200, body: { status: 'CONFIRMED' } });
    const lost = await lapsed(await checkout.hold(), false, 'open-key');
    await checkout.tell(lost, 'voided');
    expect(await checkout.pay(lost, 'open-key')).toMatchObject({ status: 409, body: { code: 'hold_expired' } });
  });

  test('the call that paid gets its booking, and the answer of a message that comes twice changes nothing', async () => {
    const held = await lapsed(await checkout.hold(), false, 'late-key');
    await checkout.tell(held, 'authorised');
    expect(await checkout.tell(held, 'authorised')).toBe(false);
    await checkout.tell(held, 'captured');
    expect(await checkout.tell(held, 'captured')).toBe(false);
    expect(await checkout.pay(held, 'late-key')).toMatchObject({ status: 200, body: { status: 'CONFIRMED' } });
  });

  test('the limits of a new hold do not matter', async () => {
    const caller = aCustomer();
    const event = await booking.seatEvent();
    const held = await lapsed((await checkout.holdOf(event, seatsOf(event, 'A-1'), caller))!);
    for (const n of [2, 3, 4, 5, 6])
      expect(await checkout.holdOf(event, seatsOf(event, `A-${n}`), caller)).not.toBeNull();
    await booking.pool.query(
      `update events set max_per_booking = 1, sales_close_at = clock.app_now() - interval '1 minute' where id = $1`,
      [event],
    );
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', live: 1 });
  });
});

describe('when somebody else has the places by then', () => {
  async function lost(allowEquivalent: boolean): Promise<Held> {
    const held = await lapsed(await checkout.hold(), allowEquivalent);
    expect(await checkout.holdOf(held.event, seatsOf(held.event, 'A-2'))).not.toBeNull();
    return held;
  }

  test('an authorisation is voided, and nothing is taken', async () => {
    const held = await lost(false);
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'VOIDING' });
    expect((await lastCommand(held)).data).not.toHaveProperty('unless_paid');
    await checkout.tell(held, 'voided');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDED' });
  });

  test('money that is taken already goes back in full', async () => {
    const held = await lost(false);
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'REFUNDING' });
    expect(await lastCommand(held)).toMatchObject({ name: 'refund_requested', data: { amount: 9000 } });
    await checkout.tell(held, 'refunded', { attempt: null });
    expect(await checkout.state(held)).toMatchObject({ status: 'REFUNDED', saga: 'REFUNDED' });
  });

  test('whoever allowed it gets equivalent places at the price that was agreed, and tickets for those', async () => {
    const held = await lost(true);
    await booking.pool.query(`update events set prices = '[{"category": "standard", "amount": 9900}]' where id = $1`, [
      held.event,
    ]);
    await checkout.tell(held, 'authorised');
    const { seats, status, live } = await checkout.state(held);
    expect({ status, live }).toEqual({ status: 'PAYMENT_INITIATED', live: 2 });
    const [left, right] = seats.map((label) => Number(label.split('-')[1]));
    expect(right! - left!).toBe(1);
    expect(seats).not.toContain('A-2');
    expect((await lastCommand(held)).data).toMatchObject({ amount: 9000 });
    await checkout.tell(held, 'captured');
    const { rows } = await booking.pool.query<{ place: string }>(
      'select place from tickets where booking_id = $1 order by position',
      [held.id],
    );
    expect(rows.map(({ place }) => place)).toEqual(seats);
  });

  test('equivalent places are of the same category, or none', async () => {
    const event = await booking.seatEvent({
      rows: [
        { row: 'A', seats: 2, category: 'gold' },
        { row: 'B', seats: 8, category: 'standard' },
      ],
    });
    const held = await lapsed((await checkout.holdOf(event, seatsOf(event, 'A-1', 'A-2')))!, true);
    await checkout.holdOf(event, seatsOf(event, 'A-1'));
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'VOIDING' });
  });

  test('places of two categories are replaced category by category', async () => {
    const event = await booking.seatEvent({
      rows: [
        { row: 'A', seats: 4, category: 'gold' },
        { row: 'B', seats: 4, category: 'standard' },
      ],
    });
    const held = await lapsed((await checkout.holdOf(event, seatsOf(event, 'A-1', 'B-1', 'B-2')))!, true);
    await checkout.holdOf(event, seatsOf(event, 'B-1'));
    await checkout.tell(held, 'authorised');
    const { seats, status } = await checkout.state(held);
    expect(status).toBe('PAYMENT_INITIATED');
    expect(seats.map((label) => label[0])).toEqual(['A', 'B', 'B']);
  });
});

describe('places of a pool', () => {
  const pool = (event: EventId, quantity: number) => ({ event_id: event, quantity });

  test('without numbers are taken again as long as there are enough', async () => {
    const event = await booking.poolEvent({ capacity: 5 });
    const lucky = await lapsed((await checkout.holdOf(event, pool(event, 3)))!);
    await checkout.tell(lucky, 'captured');
    expect(await checkout.state(lucky)).toMatchObject({ status: 'CONFIRMED', booked: 1 });
    const late = await lapsed((await checkout.holdOf(event, pool(event, 2)))!);
    await checkout.holdOf(event, pool(event, 1));
    await checkout.tell(late, 'captured');
    expect(await checkout.state(late)).toMatchObject({ status: 'EXPIRED', saga: 'REFUNDING', live: 0 });
    const { rows } = await booking.pool.query('select claimed from events where id = $1', [event]);
    expect(rows).toEqual([{ claimed: 4 }]);
  });

  test('with numbers are the same ones, even when lower ones are free', async () => {
    const event = await booking.poolEvent({ capacity: 9, numbered: true });
    const first = (await checkout.holdOf(event, pool(event, 2)))!;
    const second = (await checkout.holdOf(event, pool(event, 2)))!;
    await checkout.cancel(first);
    await lapsed(second);
    await checkout.tell(second, 'captured');
    expect(await checkout.state(second)).toMatchObject({ status: 'CONFIRMED', seats: ['3', '4'] });
  });

  test.each([
    [true, 'CONFIRMED'],
    [false, 'EXPIRED'],
  ])('with numbers that others have: others, if that is allowed (%s: %s)', async (allowed, status) => {
    const event = await booking.poolEvent({ capacity: 9, numbered: true });
    const held = await lapsed((await checkout.holdOf(event, pool(event, 2)))!, allowed);
    await checkout.holdOf(event, pool(event, 1));
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status, seats: allowed ? ['2', '3'] : ['1', '2'] });
  });
});

describe('a time of a resource', () => {
  test('is taken again when it is free', async () => {
    const resource = await booking.resource();
    const held = await lapsed((await checkout.holdOf('evt_' as EventId, { resource_id: resource, ...aSlot(2) }))!);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status: 'CONFIRMED', booked: 1 });
  });

  test('has no equivalent', async () => {
    const resource = await booking.resource();
    const held = await lapsed(
      (await checkout.holdOf('evt_' as EventId, { resource_id: resource, ...aSlot(2) }))!,
      true,
    );
    await checkout.holdOf('evt_' as EventId, { resource_id: resource, ...aSlot(1, 1) });
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDING', live: 0 });
  });
});

test.each([
  ['was cancelled', `update events set cancelled_at = clock.app_now() where id = $1`],
  [
    'is over',
    `update events set starts_at = clock.app_now() - interval '3 hours', ends_at = clock.app_now() - interval '1 hour' where id = $1`,
  ],
  [
    'was moved',
    `update events set starts_at = starts_at + interval '1 day', ends_at = ends_at + interval '1 day' where id = $1`,
  ],
])('for an event that %s the money is let go', async (_, change) => {
  const held = await lapsed(await checkout.hold(), true);
  await booking.pool.query(change, [held.event]);
  await checkout.tell(held, 'authorised');
  expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDING', live: 0 });
});

test('whoever cancelled wants no place: the authorisation that comes late is voided', async () => {
  const held = await checkout.hold();
  await checkout.pay(held);
  await checkout.cancel(held);
  expect((await lastCommand(held)).data).not.toHaveProperty('unless_paid');
  await checkout.tell(held, 'authorised');
  expect(await checkout.state(held)).toMatchObject({ status: 'CANCELLED', live: 0, saga: 'VOIDING' });
});

test('an authorisation that meets the expiry before it has its locks is left to the answer that follows', async () => {
  const held = await lapsed(await checkout.hold());
  // As the message would find it whose look came before the expiry: no inventory is locked.
  const { rows } = await booking.pool.query<{ n: number }>('select count(*)::int as n from seat_claims');
  expect(rows[0]!.n).toBeGreaterThan(0);
  expect(await checkout.tellUnprepared(held, 'authorised')).toBe(false);
  expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'LAPSING', live: 0 });
});

test('late money and a competitor for the same seat, 24 times at once: one has it, nobody is stuck, no deadlock', async () => {
  const pairs = await Promise.all(
    Array.from({ length: 24 }, async () => {
      const held = await checkout.hold();
      await checkout.pay(held, undefined, 1, true);
      return held;
    }),
  );
  await checkout.expireEverything();
  const before = await deadlocks();
  const outcomes = await Promise.all(
    pairs.map(async (held, n) => {
      const [, rival] = await Promise.all([
        checkout.tell(held, n % 2 === 0 ? 'authorised' : 'captured'),
        checkout.holdOf(held.event, seatsOf(held.event, 'A-1', 'A-2')),
      ]);
      return rival !== null;
    }),
  );
  for (const [n, held] of pairs.entries()) {
    const { seats, live } = await checkout.state(held);
    // Ten seats: there is always an equivalent for whoever was late.
    expect(live).toBe(2);
    expect(seats.includes('A-1')).toBe(!outcomes[n]);
  }
  expect(await deadlocks()).toBe(before);
}, 30_000);

async function deadlocks(): Promise<number> {
  const { rows } = await booking.pool.query<{ deadlocks: number }>(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  return rows[0]!.deadlocks;
}
