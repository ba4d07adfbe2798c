import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { aCustomer, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, type CheckoutFixture } from '../testing/checkout-fixture.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

describe('when the customer cancels', () => {
  test('an unpaid hold is given back, and cancelling again is the same answer', async () => {
    const held = await checkout.hold();
    const first = await checkout.cancel(held, 'cancel-1');
    expect(first).toMatchObject({ status: 200, body: { status: 'CANCELLED', refund: null } });
    expect(await checkout.cancel(held, 'cancel-1')).toEqual(first);
    expect((await checkout.cancel(held, 'cancel-2')).body).toMatchObject({ status: 'CANCELLED' });
    expect(await checkout.state(held)).toMatchObject({ live: 0, messages: ['cancelled'] });
  });

  test('a payment under way is voided', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    expect((await checkout.cancel(held)).body.status).toBe('CANCELLED');
    expect(await checkout.state(held)).toMatchObject({ live: 0, saga: 'VOIDING' });
  });

  test('a stranger finds nothing', async () => {
    const held = await checkout.hold();
    await expect(checkout.cancel({ ...held, caller: aCustomer() })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('while it is being captured the wish is kept, carried out after, and the 202 upgraded once', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    const waiting = await checkout.cancel(held, 'cancel-1');
    expect(waiting).toMatchObject({ status: 202, body: { status: 'PAYMENT_INITIATED' } });
    expect(waiting.body.cancel_requested_at).not.toBeNull();
    await checkout.tell(held, 'captured');
    expect(await checkout.state(held)).toMatchObject({ status: 'CANCELLED', live: 0, saga: 'REFUNDING' });
    expect(await checkout.history(held)).toEqual([
      'HELD',
      'HELD PAYMENT_INITIATED',
      'PAYMENT_INITIATED PAID',
      'PAID CANCELLED',
    ]);
    const upgraded = await checkout.cancel(held, 'cancel-1');
    expect(upgraded).toMatchObject({ status: 200, body: { status: 'CANCELLED', refund: { status: 'PENDING' } } });
    await checkout.tell(held, 'refunded', { attempt: null });
    expect(await checkout.cancel(held, 'cancel-1')).toEqual(upgraded);
    expect((await checkout.state(held)).status).toBe('REFUNDED');
  });

  test.each([
    [
      25,
      9000,
      'REFUNDING',
      ['confirmed', 'cancelled', 'authorisation_requested', 'capture_requested', 'refund_requested'],
    ],
    [
      7,
      4500,
      'REFUNDING',
      ['confirmed', 'cancelled', 'authorisation_requested', 'capture_requested', 'refund_requested'],
    ],
    [5, null, 'CLOSED', ['confirmed', 'cancelled', 'authorisation_requested', 'capture_requested']],
  ])('a confirmed booking %d hours before the start gives %s back', async (hours, back, saga, messages) => {
    const held = await checkout.hold({ startsInHours: hours });
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    const answer = await checkout.cancel(held);
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED', refund: back === null ? null : { amount: { amount: back, currency: 'EUR' } } },
    });
    expect(await checkout.state(held)).toMatchObject({ status: 'CANCELLED', live: 0, saga, messages });
    if (back === null) return;
    await checkout.tell(held, 'refunded', { attempt: null });
    expect((await checkout.state(held)).status).toBe('REFUNDED');
    expect((await checkout.cancel(held)).body).toMatchObject({ status: 'REFUNDED', refund: { status: 'SUCCEEDED' } });
  });
});
