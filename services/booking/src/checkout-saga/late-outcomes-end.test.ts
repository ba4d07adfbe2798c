import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { expireHolds } from '../bookings/expire-holds.ts';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { driveSagas } from './saga-driver.ts';
import type { SagaInput } from './saga-input.ts';
import type { SagaMessage, SagaState } from './checkout-saga.ts';

/**
 * Late and odd outcomes end within 60 s. Half of them are booking's: from the moment at which payment knows, also where every command
 * that booking sends is lost once. Payment's half is services/payment/src/payments/late-outcomes-known.test.ts.
 */
const LIMIT_S = 30;

const logger = createLogger({ service: 'test', level: 'silent' });
let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterEach(() => booking.database.setClockOffset(0));
afterAll(() => booking.stop());

const ENDS: readonly string[] = ['CONFIRMED', 'FAILED', 'VOIDED', 'REFUNDED', 'STUCK'] satisfies SagaState[];

/** What payment makes of a command in the end. */
const REPLIES: Partial<Record<string, SagaMessage>> = {
  capture_requested: 'captured',
  void_requested: 'voided',
  refund_requested: 'refunded',
};

const OTHER_MONEY = { money: { amount: 9001n, currency: 'EUR' } };

async function paying(): Promise<Held> {
  const held = await checkout.hold();
  await checkout.pay(held);
  return held;
}

/** The hold has run out while the customer paid. The clock stays there. */
async function lapsed(): Promise<Held> {
  const held = await paying();
  await booking.database.advanceClock(1_801_000);
  await expireHolds({ pool: booking.pool, watch: checkout.watch, onCommit });
  expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'LAPSING' });
  return held;
}

async function lapsedAndTaken(): Promise<Held> {
  const held = await lapsed();
  expect(await checkout.holdOf(held.event, { event_id: held.event, seats: ['A-2'] })).not.toBeNull();
  return held;
}

/** Asked to cancel while the money is being taken. */
async function cancelledWhileCaptured(): Promise<Held> {
  const held = await paying();
  await checkout.tell(held, 'authorised');
  await checkout.cancel(held);
  return held;
}

async function asked(held: Held): Promise<string[]> {
  const { rows } = await booking.pool.query<{ name: string }>(
    `select split_part(subject, '.', 4) as name from outbox where ordering_key = $1 and family = 'checkout' order by seq`,
    [held.id],
  );
  return rows.map((row) => row.name);
}

/** Seconds of the application's time until the saga ends, where payment never sees the first of each command and answers every later one. */
async function secondsToTheEnd(held: Held): Promise<number> {
  const seen = new Set<string>();
  let read = 0;
  for (let second = 0; second <= 600; second += 1) {
    const { saga } = await checkout.state(held);
    if (ENDS.includes(saga ?? '')) return second;
    const names = await asked(held);
    for (const name of names.slice(read)) {
      const reply = REPLIES[name];
      if (seen.has(name) && reply) await checkout.tell(held, reply, reply === 'refunded' ? { attempt: null } : {});
      seen.add(name);
    }
    read = names.length;
    await booking.database.advanceClock(1_000);
    await driveSagas({ pool: booking.pool, logger, onCommit });
  }
  throw new Error(`has not ended: ${JSON.stringify(await checkout.state(held))}`);
}

describe('ends within a minute of what payment says, with each command lost once', () => {
  test.each<[string, () => Promise<Held>, SagaMessage, Partial<SagaInput>, object]>([
    ['an authorisation after the expiry', lapsed, 'authorised', {}, { status: 'CONFIRMED', live: 2, booked: 2 }],
    ['a capture after the expiry', lapsed, 'captured', {}, { status: 'CONFIRMED', live: 2, booked: 2 }],
    ['an authorisation, the places gone', lapsedAndTaken, 'authorised', {}, { status: 'EXPIRED', saga: 'VOIDED' }],
    ['a capture, the places gone', lapsedAndTaken, 'captured', {}, { status: 'REFUNDED', saga: 'REFUNDED', live: 0 }],
    ['a cancellation during the capture', cancelledWhileCaptured, 'captured', {}, { status: 'REFUNDED', live: 0 }],
    ['a capture that fails', cancelledWhileCaptured, 'capture_failed', {}, { status: 'FAILED', saga: 'VOIDED' }],
    ['the last decline', paying, 'declined_finally', {}, { status: 'FAILED', live: 0 }],
    ['another amount', paying, 'authorised', OTHER_MONEY, { saga: 'STUCK', booked: 0 }],
    ['another amount after the expiry', lapsed, 'captured', OTHER_MONEY, { saga: 'STUCK', live: 0, booked: 0 }],
  ])('%s', async (_, reach, message, extra, end) => {
    const held = await reach();
    await checkout.tell(held, message, extra);
    expect(await secondsToTheEnd(held)).toBeLessThanOrEqual(LIMIT_S);
    expect(await checkout.state(held)).toMatchObject(end);
  });
});
