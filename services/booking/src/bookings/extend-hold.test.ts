import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { newId } from '@holdfast/shared/ids';
import { HOLD_TIMES, aCustomer, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { extendHold } from './extend-hold.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

describe('when the customer asks for more time', () => {
  const extend = async (held: Held, key: string = newId('req')) => {
    const { answer, replayed } = await extendHold(
      { pool: booking.pool, times: HOLD_TIMES, onCommit },
      { caller: held.caller, bookingId: held.id, scope: { userId: held.caller.userId, key, fingerprint: 'extend' } },
    );
    return { replayed, body: JSON.parse(answer.body) as BookingJson };
  };

  test('a hold gets a fresh time from now, once, and the same answer for the same key', async () => {
    const held = await checkout.hold();
    await booking.database.advanceClock(300_000);
    const first = await extend(held, 'extend-1');
    expect(Date.parse(first.body.hold_expires_at!) - Date.parse(first.body.server_now)).toBe(600_000);
    expect(await extend(held, 'extend-1')).toEqual({ ...first, replayed: true });
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_extension_exhausted' });
    await booking.database.setClockOffset(0);
  });

  test('never past the maximum from creation, not when expired, not while it is being paid', async () => {
    const held = await checkout.hold();
    await booking.pool.query(`update bookings set hold_expires_at = created_at + interval '30 min' where id = $1`, [
      held.id,
    ]);
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_extension_exhausted' });
    await booking.database.advanceClock(1_800_000);
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_expired' });
    await booking.database.setClockOffset(0);
    const paying = await checkout.hold();
    await checkout.pay(paying);
    await expect(extend(paying)).rejects.toMatchObject({ code: 'conflict' });
    await expect(extend({ ...paying, caller: aCustomer() })).rejects.toMatchObject({ code: 'not_found' });
  });
});
