import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type Id } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { handlePaymentEvent } from './consumer.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

/** The event of a refund that settled, handled as it comes from the bus. */
async function refunded(held: Held, refundId: Id<'rfd'>): Promise<void> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const handle = handlePaymentEvent({ watch: checkout.watch, onCommit, logger, halls: booking.holdDeps.layouts });
  const data = { booking_id: held.id, payment_id: newId('pay'), refund_id: refundId, amount: 100, currency: 'EUR' };
  await withTransaction(booking.pool, (tx) =>
    handle(tx, {
      id: newId('msg'),
      type: 'holdfast.payment.refunded.v1',
      version: 1,
      name: 'refunded',
      family: 'payment',
      orderingKey: held.id,
      sequence: 3,
      time: new Date(),
      cause: newId('opr'),
      traceparent: null,
      data,
    }),
  );
}

async function confirmed(): Promise<Held> {
  const held = await checkout.hold();
  await checkout.pay(held);
  await checkout.tell(held, 'authorised');
  await checkout.tell(held, 'captured');
  return held;
}

test("an operator's refund leaves a booking that stands as it is", async () => {
  const held = await confirmed();
  const before = await checkout.state(held);
  await refunded(held, newId('rfd'));
  expect(await checkout.state(held)).toEqual(before);
  expect(before.status).toBe('CONFIRMED');
});

test('a cancelled booking is REFUNDED by the refund that its saga asked for and by no other', async () => {
  const held = await confirmed();
  await checkout.cancel(held);
  await refunded(held, newId('rfd'));
  expect(await checkout.state(held)).toMatchObject({ status: 'CANCELLED', saga: 'REFUNDING' });

  const { rows } = await booking.pool.query<{ refund_id: Id<'rfd'> }>(
    'select refund_id from checkout_sagas where booking_id = $1',
    [held.id],
  );
  await refunded(held, rows[0]!.refund_id);
  expect(await checkout.state(held)).toMatchObject({ status: 'REFUNDED', saga: 'REFUNDED' });
});
