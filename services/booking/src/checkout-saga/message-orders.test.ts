import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { isDependencyError } from '@holdfast/shared/http/app';
import { newId } from '@holdfast/shared/ids';
import { isRetryable } from '@holdfast/shared/db/transaction';
import fc from 'fast-check';
import { expireHolds } from '../bookings/expire-holds.ts';
import { aCustomer, aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { checkoutOver, onCommit, type CheckoutFixture, type Held } from '../testing/checkout-fixture.ts';
import type { SagaMessage } from './checkout-saga.ts';

let booking: BookingFixture;
let checkout: CheckoutFixture;
beforeAll(async () => {
  booking = await setupBooking();
  checkout = checkoutOver(booking);
});
afterEach(() => booking.database.setClockOffset(0));
afterAll(() => booking.stop());

const LIVE = ['HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED'];

/** What must be true whatever came in whichever order. `money`: whether the provider has taken it. */
async function expectSound(held: Held, money: boolean): Promise<void> {
  const state = await checkout.state(held);
  expect({ ...state, live: state.live > 0 }).toMatchObject({ live: LIVE.includes(state.status) });
  expect(state.booked).toBe(state.status === 'CONFIRMED' ? state.live : 0);
  const kept = state.status === 'CONFIRMED';
  if (money) expect([state.saga, kept]).toEqual([kept ? 'CONFIRMED' : expect.stringMatching(/^REFUND/), kept]);
  else expect(kept).toBe(false);
}

describe('messages in any order', () => {
  async function play(messages: readonly (SagaMessage | 'cancel')[]): Promise<Held> {
    const held = await checkout.hold();
    await checkout.pay(held);
    for (const message of messages) {
      if (message === 'cancel') await checkout.cancel(held).catch(() => undefined);
      else if (message === 'hold_expired') await checkout.tell(held, message, { attempt: null });
      else await checkout.tell(held, message);
    }
    return held;
  }

  const orders = permutations(['authorised', 'captured', 'hold_expired', 'cancel'] as const);

  test(`of money that is taken, ${orders.length} orders: the booking stands or the money goes back`, async () => {
    for (const order of orders) await expectSound(await play(order), true);
  }, 60_000);

  test('of money that is never taken: nothing stands, and the places are free', async () => {
    for (const order of permutations(['declined', 'unknown', 'hold_expired', 'voided'] as const)) {
      const held = await play(order);
      await checkout.tell(held, 'hold_expired', { attempt: null });
      await expectSound(held, false);
    }
  }, 60_000);

  test('each of them as often as it likes', async () => {
    const messages = fc.array(
      fc.constantFrom<(SagaMessage | 'cancel')[]>(
        'authorised',
        'processing',
        'unknown',
        'hold_expired',
        'captured',
        'cancel',
      ),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(messages, async (order) => {
        const held = await play([...order, 'captured']);
        await expectSound(held, true);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

test('1,000 expiries against as many payments: each booking has its places and its money, or neither', async () => {
  const pairs = 1_000;
  const event = await booking.poolEvent({ capacity: pairs });
  const held: Held[] = [];
  for (let at = 0; at < pairs; at += 100) {
    const callers = Array.from({ length: 100 }, () => aCustomer());
    const results = await booking.settle(
      ...callers.map((caller) => aHold({ event_id: event, quantity: 1 }, { caller })),
    );
    results.forEach((result, n) => {
      if (result.kind !== 'answered') throw new Error('not held');
      const { id } = JSON.parse(result.answer.body) as { id: Held['id'] };
      held.push({ id, caller: callers[n]!, event });
    });
  }
  const inLanes = (work: (each: Held, n: number) => Promise<unknown>) =>
    Array.from({ length: 6 }, async (_, lane) => {
      for (let n = lane; n < pairs; n += 6) await work(held[n]!, n);
    });
  await Promise.all(inLanes((each) => checkout.pay(each, newId('req'), 0)));

  // Half of them have a rival who takes what the expiry frees: then the money has no places to come to.
  await booking.database.advanceClock(1_801_000);
  let rivals = 0;
  const expire = async () => {
    const deps = { pool: booking.pool, watch: checkout.watch, onCommit };
    for (let left = true; left;) left = (await expireHolds(deps)).expired > 0;
  };
  const take = async () => {
    for (let n = 0; n < pairs / 4; n += 1) {
      if (await checkout.holdOf(event, { event_id: event, quantity: 1 })) rivals += 1;
    }
  };
  const pay = async (each: Held, n: number) => {
    const message = n % 2 === 0 ? 'authorised' : 'captured';
    // A consumer repeats a message that met a deadlock or waited too long for its locks.
    for (;;) {
      try {
        return await checkout.tell(each, message);
      } catch (error) {
        if (!isRetryable(error) && !isDependencyError(error)) throw error;
      }
    }
  };
  await Promise.all([expire(), take(), ...inLanes(pay)]);
  await expire();

  const { rows } = await booking.pool.query<{
    status: string;
    saga: string;
    pinned: boolean;
    claims: number;
    n: number;
  }>(
    `select b.status, s.state as saga, b.pinned_at is not null as pinned,
            (select count(*)::int from pool_claims c where c.booking_id = b.id and released_at is null) as claims,
            count(*)::int as n
       from bookings b join checkout_sagas s on s.booking_id = b.id
      where b.event_id = $1
      group by 1, 2, 3, 4`,
    [event],
  );
  // The answer that met the expiry between its look and its lock comes once more, by the command that the expiry has sent.
  const allowed = [
    'PAYMENT_INITIATED CAPTURING true 1',
    'CONFIRMED CONFIRMED true 1',
    'EXPIRED LAPSING false 0',
    'EXPIRED VOIDING false 0',
    'EXPIRED REFUNDING false 0',
  ];
  const found = rows.map(({ status, saga, pinned, claims }) => `${status} ${saga} ${pinned} ${claims}`);
  expect(found.filter((each) => !allowed.includes(each))).toEqual([]);
  expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(pairs);
  const standing = rows.filter(({ claims }) => claims > 0).reduce((sum, { n }) => sum + n, 0);
  const { rows: events } = await booking.pool.query<{ claimed: number }>('select claimed from events where id = $1', [
    event,
  ]);
  expect(events[0]!.claimed).toBe(standing + rivals);
  expect(events[0]!.claimed).toBeLessThanOrEqual(pairs);
}, 120_000);

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}
