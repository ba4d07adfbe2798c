import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import { driveSagas } from './saga-driver.ts';

const silent = createLogger({ service: 'test', level: 'silent' });
let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterAll(() => booking.stop());

interface SagaFacts {
  state: string;
  tries: number;
  refund_id: string | null;
  stuck_reason: string | null;
  stuck_in: string | null;
  last_error: string | null;
  overdue: boolean;
}

async function saga(held: Held): Promise<SagaFacts> {
  const { rows } = await booking.pool.query<SagaFacts>(
    `select state, tries, refund_id, stuck_reason, stuck_in, last_error,
            coalesce(deadline_at <= clock.app_now(), false) as overdue
       from checkout_sagas where booking_id = $1`,
    [held.id],
  );
  return rows[0]!;
}

const drive = () => driveSagas({ pool: booking.pool, logger: silent, onCommit });
const wrong = { money: { amount: 9001n, currency: 'EUR' } };

describe('money of another amount than the price', () => {
  test.each([
    ['another amount', { amount: 9001n, currency: 'EUR' }],
    ['another currency', { amount: 9000n, currency: 'USD' }],
  ])('%s is never confirmed and stands there with what was said', async (_, money) => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'captured', { money });
    expect(await checkout.state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', booked: 0 });
    const { state, stuck_in, stuck_reason } = await saga(held);
    expect({ state, stuck_in }).toEqual({ state: 'STUCK', stuck_in: 'AUTHORISING' });
    expect(stuck_reason).toBe(
      `the payment service says captured of ${money.amount} ${money.currency}, the price is 9000 EUR`,
    );
    // What comes after it changes nothing either.
    await checkout.tell(held, 'captured');
    expect((await checkout.state(held)).status).toBe('PAYMENT_INITIATED');
  });

  test('keeps the places only as long as the hold', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'authorised', wrong);
    await checkout.expireEverything();
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'STUCK' });
  });

  test('takes no place again for a booking that has expired', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.expireEverything();
    await checkout.tell(held, 'captured', wrong);
    expect(await checkout.state(held)).toMatchObject({ status: 'EXPIRED', live: 0, saga: 'STUCK' });
  });

  test('is no trouble when it is the price', async () => {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'captured', { money: { amount: 9000n, currency: 'EUR' } });
    expect((await checkout.state(held)).status).toBe('CONFIRMED');
  });
});

describe('an answer that does not come', () => {
  /** The hold has run out, and it is as late as that. */
  async function expired(): Promise<void> {
    await checkout.expireEverything();
    await booking.database.advanceClock(1_801_000);
  }

  test.each([
    ['CAPTURING', 'capture_requested', (held: Held) => checkout.tell(held, 'authorised')],
    ['LAPSING', 'void_requested', expired],
    ['VOIDING', 'void_requested', (held: Held) => checkout.cancel(held)],
  ] as const)(
    '%s: is asked for again for as long as it takes, and is overdue after ten minutes',
    async (state, command, reach) => {
      const held = await checkout.hold();
      await checkout.pay(held);
      await reach(held);
      expect(await saga(held)).toMatchObject({ state, overdue: false });
      for (let minute = 1; minute <= 25; minute += 1) {
        await booking.database.advanceClock(60_000);
        await drive();
        if (minute === 9) expect((await saga(held)).overdue).toBe(false);
        if (minute === 10) expect((await saga(held)).overdue).toBe(true);
      }
      const asked = (await checkout.state(held)).messages!.filter((name) => name === command);
      expect(asked.length).toBeGreaterThanOrEqual(25);
      expect(await saga(held)).toMatchObject({ state, tries: asked.length - 1 });
      await booking.database.setClockOffset(0);
    },
  );
});

describe('a refund that the provider refuses', () => {
  async function refunding(): Promise<Held> {
    const held = await checkout.hold();
    await checkout.pay(held);
    await checkout.tell(held, 'authorised');
    await checkout.tell(held, 'captured');
    await checkout.cancel(held);
    return held;
  }

  test('is asked for anew under another id after a pause, and settles in the end', async () => {
    const held = await refunding();
    const first = await saga(held);
    await checkout.tell(held, 'refund_failed', { attempt: null, reason: 'refund failed: charge_disputed' });
    const second = await saga(held);
    expect(second).toMatchObject({ state: 'REFUNDING', last_error: 'refund failed: charge_disputed', tries: 1 });
    expect(second.refund_id).not.toBe(first.refund_id);
    await drive();
    expect(refundsIn(await checkout.state(held))).toBe(1);
    await booking.database.advanceClock(61_000);
    await drive();
    await booking.database.setClockOffset(0);
    expect(refundsIn(await checkout.state(held))).toBe(2);
    const { rows } = await booking.pool.query<{ id: string }>(
      `select payload::jsonb -> 'data' ->> 'refund_id' as id from outbox
        where ordering_key = $1 and family = 'checkout' order by seq desc limit 1`,
      [held.id],
    );
    expect(rows[0]!.id).toBe(second.refund_id);
    await checkout.tell(held, 'refunded', { attempt: null });
    expect(await checkout.state(held)).toMatchObject({ status: 'REFUNDED', saga: 'REFUNDED' });
  });

  const refundsIn = (state: { messages: string[] | null }) =>
    state.messages!.filter((name) => name === 'refund_requested').length;
});
