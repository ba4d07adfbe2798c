import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { driveSagas } from '../checkout-saga/saga-driver.ts';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture } from '../testing/checkout-fixture.ts';

const silent = createLogger({ service: 'test', level: 'silent' });
let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

describe('when the payment goes through', () => {
  test('authorise, pin, capture, PAID, CONFIRMED: each step with its undo on record, its history and its event', async () => {
    const held = await checkout.hold();
    expect((await checkout.pay(held)).status).toBe(202);
    expect(await checkout.state(held)).toMatchObject({
      status: 'PAYMENT_INITIATED',
      saga: 'AUTHORISING',
      undo: 'void',
      pinned: false,
      messages: ['authorisation_requested'],
    });
    await checkout.tell(held, 'authorised');
    expect(await checkout.state(held)).toMatchObject({
      status: 'PAYMENT_INITIATED',
      saga: 'CAPTURING',
      undo: 'refund',
      pinned: true,
    });
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({
      status: 'CONFIRMED',
      saga: 'CONFIRMED',
      live: 2,
      booked: 2,
      messages: ['confirmed', 'authorisation_requested', 'capture_requested'],
    });
    expect(await checkout.history(held)).toEqual([
      'HELD',
      'HELD PAYMENT_INITIATED',
      'PAYMENT_INITIATED PAID',
      'PAID CONFIRMED',
    ]);
  });

  test('a waiting call gets 200, a repeated one the same answer to the letter, a new one is told that it is paid', async () => {
    const held = await checkout.hold();
    const first = checkout.pay(held, 'pay-1', 5_000);
    const until = async () => (await checkout.state(held)).saga === 'AUTHORISING';
    while (!(await until()));
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    const answer = await first;
    expect(answer).toMatchObject({ status: 200, replayed: false, body: { status: 'CONFIRMED' } });
    expect(await checkout.pay(held, 'pay-1')).toEqual({ ...answer, replayed: true });
    await expect(checkout.pay(held, 'pay-2')).rejects.toMatchObject({ code: 'already_paid' });
  });

  test('a stored 202 is upgraded once, to the final answer', async () => {
    const held = await checkout.hold();
    expect((await checkout.pay(held, 'pay-1')).status).toBe(202);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    const upgraded = await checkout.pay(held, 'pay-1');
    expect(upgraded).toMatchObject({ status: 200, replayed: true });
    await booking.database.advanceClock(5_000);
    expect(await checkout.pay(held, 'pay-1')).toEqual(upgraded);
    await booking.database.setClockOffset(0);
  });

  test('while an attempt runs another key gets 202 with that attempt and starts nothing', async () => {
    const held = await checkout.hold();
    await checkout.pay(held, 'pay-1');
    expect(await checkout.pay(held, 'pay-2')).toMatchObject({ status: 202, body: { payment: { attempt: 1 } } });
    expect((await checkout.state(held)).messages).toEqual(['authorisation_requested']);
  });

  test('answers that come twice or late change nothing', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    expect(await checkout.tell(held, 'authorised')).toBe(false);
    await checkout.tell(held, 'captured');
    for (const late of ['captured', 'authorised', 'declined', 'voided', 'hold_expired'] as const) {
      expect(await checkout.tell(held, late)).toBe(false);
    }
    expect((await checkout.state(held)).status).toBe('CONFIRMED');
  });
});

describe('when the payment is declined', () => {
  test('the booking is HELD again, can be paid anew, and FAILS with the third decline, its places free', async () => {
    const held = await checkout.hold();
    for (const attempt of [1, 2, 3]) {
      await checkout.pay(held, `attempt-${attempt}`);
      await checkout.tell(held, attempt === 3 ? 'declined_finally' : 'declined', {
        attempt,
        declineReason: 'generic_decline',
        paymentStatus: 'DECLINED',
      });
      const answer = await checkout.pay(held, `attempt-${attempt}`);
      expect(answer).toMatchObject({
        status: 402,
        body: { code: 'payment_declined', decline_reason: 'generic_decline', attempts_left: 3 - attempt },
      });
      expect(await checkout.state(held)).toMatchObject(
        attempt === 3 ? { status: 'FAILED', live: 0 } : { status: 'HELD', live: 2 },
      );
    }
    await expect(checkout.pay(held)).rejects.toMatchObject({ code: 'not_payable' });
    expect((await checkout.state(held)).messages).toContain('failed');
  });

  test('an answer of an earlier attempt does not touch the one under way', async () => {
    const held = await checkout.hold();
    await checkout.pay(held, 'one');
    await checkout.tell(held, 'declined');
    await checkout.pay(held, 'two');
    expect(await checkout.tell(held, 'declined', { attempt: 1 })).toBe(false);
    expect(await checkout.state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', saga: 'AUTHORISING' });
  });
});

describe('when the hold runs out', () => {
  test('an unpaid hold frees its places', async () => {
    const held = await checkout.hold();
    await checkout.expireEverything();
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, messages: ['expired'] });
    await expect(checkout.pay(held)).rejects.toMatchObject({ code: 'hold_expired' });
  });

  test('with a payment under way the places are free at once and the authorisation is voided after', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.expireEverything();
    expect(await checkout.state(held)).toMatchObject({
      status: 'EXPIRED',
      live: 0,
      saga: 'LAPSING',
      messages: ['expired', 'authorisation_requested', 'void_requested'],
    });
    await checkout.tell(held, 'voided');
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDED' });
  });

  test('a pinned hold does not expire', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    await checkout.expireEverything();
    expect(await checkout.state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', live: 2 });
    await checkout.tell(held, 'captured');
    expect((await checkout.state(held)).status).toBe('CONFIRMED');
  });
});

test('a booking that costs nothing is confirmed without a payment', async () => {
  const held = await checkout.hold({ amount: 0 });
  expect(await checkout.pay(held)).toMatchObject({ status: 200, body: { status: 'CONFIRMED', payment: null } });
  expect(await checkout.state(held)).toMatchObject({ booked: 2, saga: null, messages: ['confirmed'] });
});

test('a saga without an answer asks again, in whichever process, with the same attempt', async () => {
  const held = await checkout.hold();
  await checkout.pay(held);
  await booking.database.advanceClock(16_000);
  expect((await driveSagas({ pool: booking.pool, logger: silent, onCommit })).sent).toBeGreaterThan(0);
  expect((await driveSagas({ pool: booking.pool, logger: silent, onCommit })).sent).toBe(0);
  await booking.database.setClockOffset(0);
  expect((await checkout.state(held)).messages).toEqual(['authorisation_requested', 'authorisation_requested']);
});
