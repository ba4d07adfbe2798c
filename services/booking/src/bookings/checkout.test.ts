import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import { applySagaMessage, type SagaInput } from '../checkout-saga/apply-saga-message.ts';
import type { SagaMessage } from '../checkout-saga/checkout-saga.ts';
import { driveSagas } from '../checkout-saga/saga-driver.ts';
import { HOLD_TIMES, aCustomer, aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { BookingWatch } from './booking-watch.ts';
import { cancelBooking } from './cancel-booking.ts';
import { expireHolds } from './expire-holds.ts';
import { extendHold } from './extend-hold.ts';
import { payBooking } from './pay-booking.ts';
import { createLogger } from '@holdfast/shared/telemetry/logger';

const silent = createLogger({ service: 'test', level: 'silent' });
let booking: BookingFixture;
let watch: BookingWatch;
const onCommit = () => undefined;

beforeAll(async () => {
  booking = await setupBooking();
  watch = new BookingWatch({ hint: () => undefined, onHint: () => undefined });
});
afterAll(() => booking.stop());

interface Held {
  id: BookingId;
  caller: SignedInCaller;
  event: EventId;
}

async function aHeldBooking(options: { amount?: number; startsInHours?: number } = {}): Promise<Held> {
  const event = await booking.seatEvent(options);
  const caller = aCustomer();
  const [result] = await booking.settle(aHold({ event_id: event, seats: ['A-1', 'A-2'] }, { caller }));
  if (result?.kind !== 'answered') throw new Error('not held');
  return { id: (JSON.parse(result.answer.body) as BookingJson).id as BookingId, caller, event };
}

const pay = async (held: Held, key: string = newId('req'), waitMs = 1) => {
  const { answer, replayed } = await payBooking(
    { pool: booking.pool, watch, times: HOLD_TIMES, onCommit, waitMs },
    {
      caller: held.caller,
      bookingId: held.id,
      scope: { userId: held.caller.userId, key, fingerprint: 'pay' },
      paymentMethod: 'pm_card_visa',
    },
  );
  return { status: answer.status, body: JSON.parse(answer.body) as BookingJson & { code?: string }, replayed };
};

const cancel = async (held: Held, key: string = newId('req')) => {
  const { answer } = await cancelBooking(
    { pool: booking.pool, watch, onCommit },
    {
      caller: held.caller,
      bookingId: held.id,
      scope: { userId: held.caller.userId, key, fingerprint: 'cancel' },
      reason: 'changed my mind',
    },
  );
  return { status: answer.status, body: JSON.parse(answer.body) as BookingJson };
};

/** A message of the payment service, applied as the consumer does. */
const tell = async (held: Held, message: SagaMessage, extra: Partial<SagaInput> = {}) => {
  const result = await withTransaction(booking.pool, (tx) =>
    applySagaMessage(tx, {
      bookingId: held.id,
      message,
      attempt: 1,
      reason: message,
      actor: 'payment',
      cause: { id: newId('msg'), traceparent: null },
      ...extra,
    }),
  );
  watch.changed(held.id);
  return result?.applied;
};

const state = async (held: Held) => {
  const { rows } = await booking.pool.query<{
    status: string;
    pinned: boolean;
    saga: string | null;
    undo: string | null;
    live: number;
    booked: number;
    messages: string[] | null;
  }>(
    `select b.status, b.pinned_at is not null as pinned, s.state as saga, s.undo,
            (select count(*)::int from seat_claims c where c.booking_id = b.id and released_at is null) as live,
            (select count(*)::int from seat_claims c where c.booking_id = b.id and released_at is null and state = 'BOOKED') as booked,
            (select array_agg(split_part(subject, '.', 4) order by family, seq) from outbox o
              where o.ordering_key = b.id and family in ('booking', 'checkout')) as messages
       from bookings b left join checkout_sagas s on s.booking_id = b.id
      where b.id = $1`,
    [held.id],
  );
  return rows[0]!;
};

const historyOf = async (held: Held) => {
  const { rows } = await booking.pool.query<{ step: string }>(
    `select concat_ws(' ', from_status, to_status) as step from booking_history where booking_id = $1 order by version`,
    [held.id],
  );
  return rows.map((row) => row.step);
};

describe('when the payment goes through', () => {
  test('authorise, pin, capture, PAID, CONFIRMED: each step with its undo on record, its history and its event', async () => {
    const held = await aHeldBooking();
    expect((await pay(held)).status).toBe(202);
    expect(await state(held)).toMatchObject({
      status: 'PAYMENT_INITIATED',
      saga: 'AUTHORISING',
      undo: 'void',
      pinned: false,
      messages: ['authorisation_requested'],
    });
    await tell(held, 'authorised');
    expect(await state(held)).toMatchObject({
      status: 'PAYMENT_INITIATED',
      saga: 'CAPTURING',
      undo: 'refund',
      pinned: true,
    });
    await tell(held, 'captured');
    expect(await state(held)).toMatchObject({
      status: 'CONFIRMED',
      saga: 'CONFIRMED',
      live: 2,
      booked: 2,
      messages: ['confirmed', 'authorisation_requested', 'capture_requested'],
    });
    expect(await historyOf(held)).toEqual([
      'HELD',
      'HELD PAYMENT_INITIATED',
      'PAYMENT_INITIATED PAID',
      'PAID CONFIRMED',
    ]);
  });

  test('a waiting call gets 200, a repeated one the same answer to the letter, a new one is told that it is paid', async () => {
    const held = await aHeldBooking();
    const first = pay(held, 'pay-1', 5_000);
    const until = async () => (await state(held)).saga === 'AUTHORISING';
    while (!(await until()));
    await tell(held, 'authorised');
    await tell(held, 'captured');
    const answer = await first;
    expect(answer).toMatchObject({ status: 200, replayed: false, body: { status: 'CONFIRMED' } });
    expect(await pay(held, 'pay-1')).toEqual({ ...answer, replayed: true });
    await expect(pay(held, 'pay-2')).rejects.toMatchObject({ code: 'already_paid' });
  });

  test('a stored 202 is upgraded once, to the final answer', async () => {
    const held = await aHeldBooking();
    expect((await pay(held, 'pay-1')).status).toBe(202);
    await tell(held, 'authorised');
    await tell(held, 'captured');
    const upgraded = await pay(held, 'pay-1');
    expect(upgraded).toMatchObject({ status: 200, replayed: true });
    await booking.database.advanceClock(5_000);
    expect(await pay(held, 'pay-1')).toEqual(upgraded);
    await booking.database.setClockOffset(0);
  });

  test('while an attempt runs another key gets 202 with that attempt and starts nothing', async () => {
    const held = await aHeldBooking();
    await pay(held, 'pay-1');
    expect(await pay(held, 'pay-2')).toMatchObject({ status: 202, body: { payment: { attempt: 1 } } });
    expect((await state(held)).messages).toEqual(['authorisation_requested']);
  });

  test('answers that come twice or late change nothing', async () => {
    const held = await aHeldBooking();
    await pay(held);
    await tell(held, 'authorised');
    expect(await tell(held, 'authorised')).toBe(false);
    await tell(held, 'captured');
    for (const late of ['captured', 'authorised', 'declined', 'voided', 'hold_expired'] as const) {
      expect(await tell(held, late)).toBe(false);
    }
    expect((await state(held)).status).toBe('CONFIRMED');
  });
});

describe('when the payment is declined', () => {
  test('the booking is HELD again, can be paid anew, and FAILS with the third decline, its places free', async () => {
    const held = await aHeldBooking();
    for (const attempt of [1, 2, 3]) {
      await pay(held, `attempt-${attempt}`);
      await tell(held, attempt === 3 ? 'declined_finally' : 'declined', {
        attempt,
        declineReason: 'generic_decline',
        paymentStatus: 'DECLINED',
      });
      const answer = await pay(held, `attempt-${attempt}`);
      expect(answer).toMatchObject({
        status: 402,
        body: { code: 'payment_declined', decline_reason: 'generic_decline', attempts_left: 3 - attempt },
      });
      expect(await state(held)).toMatchObject(
        attempt === 3 ? { status: 'FAILED', live: 0 } : { status: 'HELD', live: 2 },
      );
    }
    await expect(pay(held)).rejects.toMatchObject({ code: 'not_payable' });
    expect((await state(held)).messages).toContain('failed');
  });

  test('an answer of an earlier attempt does not touch the one under way', async () => {
    const held = await aHeldBooking();
    await pay(held, 'one');
    await tell(held, 'declined');
    await pay(held, 'two');
    expect(await tell(held, 'declined', { attempt: 1 })).toBe(false);
    expect(await state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', saga: 'AUTHORISING' });
  });
});

describe('when the hold runs out', () => {
  const expire = async () => {
    await booking.database.advanceClock(1_801_000);
    await expireHolds({ pool: booking.pool, watch, onCommit });
    await booking.database.setClockOffset(0);
  };

  test('an unpaid hold frees its places', async () => {
    const held = await aHeldBooking();
    await expire();
    expect(await state(held)).toMatchObject({ status: 'EXPIRED', live: 0, messages: ['expired'] });
    await expect(pay(held)).rejects.toMatchObject({ code: 'hold_expired' });
  });

  test('with a payment under way the places are free at once and the authorisation is voided after', async () => {
    const held = await aHeldBooking();
    await pay(held);
    await expire();
    expect(await state(held)).toMatchObject({
      status: 'EXPIRED',
      live: 0,
      saga: 'VOIDING',
      messages: ['expired', 'authorisation_requested', 'void_requested'],
    });
    await tell(held, 'authorised');
    await tell(held, 'voided');
    expect(await state(held)).toMatchObject({ status: 'EXPIRED', saga: 'VOIDED' });
  });

  test('a pinned hold does not expire', async () => {
    const held = await aHeldBooking();
    await pay(held);
    await tell(held, 'authorised');
    await expire();
    expect(await state(held)).toMatchObject({ status: 'PAYMENT_INITIATED', live: 2 });
    await tell(held, 'captured');
    expect((await state(held)).status).toBe('CONFIRMED');
  });

  test('money captured all the same goes back in full', async () => {
    const held = await aHeldBooking();
    await pay(held);
    await expire();
    await tell(held, 'captured');
    expect(await state(held)).toMatchObject({ status: 'EXPIRED', saga: 'REFUNDING' });
    await tell(held, 'refunded', { attempt: null });
    expect(await state(held)).toMatchObject({ status: 'REFUNDED', saga: 'REFUNDED' });
  });
});

describe('when the customer cancels', () => {
  test('an unpaid hold is given back, and cancelling again is the same answer', async () => {
    const held = await aHeldBooking();
    const first = await cancel(held, 'cancel-1');
    expect(first).toMatchObject({ status: 200, body: { status: 'CANCELLED', refund: null } });
    expect(await cancel(held, 'cancel-1')).toEqual(first);
    expect((await cancel(held, 'cancel-2')).body).toMatchObject({ status: 'CANCELLED' });
    expect(await state(held)).toMatchObject({ live: 0, messages: ['cancelled'] });
  });

  test('a payment under way is voided', async () => {
    const held = await aHeldBooking();
    await pay(held);
    expect((await cancel(held)).body.status).toBe('CANCELLED');
    expect(await state(held)).toMatchObject({ live: 0, saga: 'VOIDING' });
  });

  test('a stranger finds nothing', async () => {
    const held = await aHeldBooking();
    await expect(cancel({ ...held, caller: aCustomer() })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('while it is being captured the wish is kept, carried out after, and the 202 upgraded once', async () => {
    const held = await aHeldBooking();
    await pay(held);
    await tell(held, 'authorised');
    const waiting = await cancel(held, 'cancel-1');
    expect(waiting).toMatchObject({ status: 202, body: { status: 'PAYMENT_INITIATED' } });
    expect(waiting.body.cancel_requested_at).not.toBeNull();
    await tell(held, 'captured');
    expect(await state(held)).toMatchObject({ status: 'CANCELLED', live: 0, saga: 'REFUNDING' });
    expect(await historyOf(held)).toEqual([
      'HELD',
      'HELD PAYMENT_INITIATED',
      'PAYMENT_INITIATED PAID',
      'PAID CANCELLED',
    ]);
    const upgraded = await cancel(held, 'cancel-1');
    expect(upgraded).toMatchObject({ status: 200, body: { status: 'CANCELLED', refund: { status: 'PENDING' } } });
    await tell(held, 'refunded', { attempt: null });
    expect(await cancel(held, 'cancel-1')).toEqual(upgraded);
    expect((await state(held)).status).toBe('REFUNDED');
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
    const held = await aHeldBooking({ startsInHours: hours });
    await pay(held);
    await tell(held, 'authorised');
    await tell(held, 'captured');
    const answer = await cancel(held);
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED', refund: back === null ? null : { amount: { amount: back, currency: 'EUR' } } },
    });
    expect(await state(held)).toMatchObject({ status: 'CANCELLED', live: 0, saga, messages });
    if (back === null) return;
    await tell(held, 'refunded', { attempt: null });
    expect((await state(held)).status).toBe('REFUNDED');
    expect((await cancel(held)).body).toMatchObject({ status: 'REFUNDED', refund: { status: 'SUCCEEDED' } });
  });
});

test('a booking that costs nothing is confirmed without a payment', async () => {
  const held = await aHeldBooking({ amount: 0 });
  expect(await pay(held)).toMatchObject({ status: 200, body: { status: 'CONFIRMED', payment: null } });
  expect(await state(held)).toMatchObject({ booked: 2, saga: null, messages: ['confirmed'] });
});

test('a saga without an answer asks again, in whichever process, with the same attempt', async () => {
  const held = await aHeldBooking();
  await pay(held);
  await booking.database.advanceClock(16_000);
  expect((await driveSagas({ pool: booking.pool, logger: silent, onCommit })).sent).toBeGreaterThan(0);
  expect((await driveSagas({ pool: booking.pool, logger: silent, onCommit })).sent).toBe(0);
  await booking.database.setClockOffset(0);
  expect((await state(held)).messages).toEqual(['authorisation_requested', 'authorisation_requested']);
});

describe('when the customer asks for more time', () => {
  const extend = async (held: Held, key: string = newId('req')) => {
    const { answer, replayed } = await extendHold(
      { pool: booking.pool, times: HOLD_TIMES, onCommit },
      { caller: held.caller, bookingId: held.id, scope: { userId: held.caller.userId, key, fingerprint: 'extend' } },
    );
    return { replayed, body: JSON.parse(answer.body) as BookingJson };
  };

  test('a hold gets a fresh time from now, once, and the same answer for the same key', async () => {
    const held = await aHeldBooking();
    await booking.database.advanceClock(300_000);
    const first = await extend(held, 'extend-1');
    expect(Date.parse(first.body.hold_expires_at!) - Date.parse(first.body.server_now)).toBe(600_000);
    expect(await extend(held, 'extend-1')).toEqual({ ...first, replayed: true });
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_extension_exhausted' });
    await booking.database.setClockOffset(0);
  });

  test('never past the maximum from creation, not when expired, not while it is being paid', async () => {
    const held = await aHeldBooking();
    await booking.pool.query(`update bookings set hold_expires_at = created_at + interval '30 min' where id = $1`, [
      held.id,
    ]);
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_extension_exhausted' });
    await booking.database.advanceClock(1_800_000);
    await expect(extend(held)).rejects.toMatchObject({ code: 'hold_expired' });
    await booking.database.setClockOffset(0);
    const paying = await aHeldBooking();
    await pay(paying);
    await expect(extend(paying)).rejects.toMatchObject({ code: 'conflict' });
    await expect(extend({ ...paying, caller: aCustomer() })).rejects.toMatchObject({ code: 'not_found' });
  });
});
