import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import { BookingWatch } from '../bookings/booking-watch.ts';
import { cancelBooking } from '../bookings/cancel-booking.ts';
import { expireHolds } from '../bookings/expire-holds.ts';
import { payBooking } from '../bookings/pay-booking.ts';
import { lockBookings } from '../bookings/booking-store.ts';
import { applySagaMessage, applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import type { SagaInput } from '../checkout-saga/saga-input.ts';
import type { SagaMessage } from '../checkout-saga/checkout-saga.ts';
import { HOLD_TIMES, aCustomer, aHold, type BookingFixture } from './booking-fixture.ts';

export interface Held {
  readonly id: BookingId;
  readonly caller: SignedInCaller;
  readonly event: EventId;
}

/** What a booking, its claims, its saga and its messages have come to. */
export interface CheckoutState {
  status: string;
  seats: string[];
  pinned: boolean;
  saga: string | null;
  undo: string | null;
  /** Live claims, and how many of them are BOOKED. */
  live: number;
  booked: number;
  /** Names of what went out in families booking and checkout, in that order. */
  messages: string[] | null;
}

export const onCommit = () => undefined;

/** What the payment service says about the first attempt. */
function told(held: Held, message: SagaMessage): SagaInput {
  const cause = { id: newId('msg'), traceparent: null };
  return { bookingId: held.id, message, attempt: 1, reason: message, actor: 'payment', cause };
}

/** The checkout's use cases over one fixture, with the test in the place of the payment service. */
export function checkoutOver(booking: BookingFixture) {
  const watch = new BookingWatch({ hint: () => undefined, onHint: () => undefined });
  return {
    watch,

    /** Two seats, held by a new customer. */
    async hold(options: { amount?: number; startsInHours?: number } = {}): Promise<Held> {
      const event = await booking.seatEvent(options);
      const caller = aCustomer();
      const [result] = await booking.settle(aHold({ event_id: event, seats: ['A-1', 'A-2'] }, { caller }));
      if (result?.kind !== 'answered') throw new Error('not held');
      return { id: (JSON.parse(result.answer.body) as BookingJson).id as BookingId, caller, event };
    },

    /** Anything, held by a new customer or by `caller`; null when it is taken. */
    async holdOf(event: EventId, body: object, caller = aCustomer()): Promise<Held | null> {
      const [result] = await booking.settle(aHold(body, { caller }));
      if (result?.kind !== 'answered') return null;
      return { id: (JSON.parse(result.answer.body) as BookingJson).id as BookingId, caller, event };
    },

    async pay(held: Held, key: string = newId('req'), waitMs = 1, allowEquivalent = false) {
      const { answer, replayed } = await payBooking(
        { pool: booking.pool, watch, times: HOLD_TIMES, onCommit, waitMs },
        {
          caller: held.caller,
          bookingId: held.id,
          scope: { userId: held.caller.userId, key, fingerprint: 'pay' },
          paymentMethod: 'pm_card_visa',
          allowEquivalent,
        },
      );
      return { status: answer.status, body: JSON.parse(answer.body) as BookingJson & { code?: string }, replayed };
    },

    async cancel(held: Held, key: string = newId('req')) {
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
    },

    /** A message of the payment service, applied as the consumer does; tells whether it changed anything. */
    async tell(held: Held, message: SagaMessage, extra: Partial<SagaInput> = {}): Promise<boolean | undefined> {
      const result = await withTransaction(booking.pool, (tx) =>
        applySagaMessage(tx, { ...told(held, message), ...extra }, booking.holdDeps.layouts),
      );
      watch.changed(held.id);
      return result?.applied;
    },

    /** The same, for a message whose transaction looked at the booking before it expired: it has not locked the inventory. */
    async tellUnprepared(held: Held, message: SagaMessage): Promise<boolean | undefined> {
      return withTransaction(booking.pool, async (tx) => {
        const input = { ...told(held, message), attempt: 1 };
        const unprepared = { halls: booking.holdDeps.layouts, withInventory: new Set<BookingId>() };
        return (await applyToLocked(tx, [input], await lockBookings(tx, [held.id]), unprepared)).get(held.id)?.applied;
      });
    },

    /** Lets every hold of the database run out, and sets the clock right again. */
    async expireEverything(): Promise<void> {
      await booking.database.advanceClock(1_801_000);
      await expireHolds({ pool: booking.pool, watch, onCommit });
      await booking.database.setClockOffset(0);
    },

    async state(held: Held): Promise<CheckoutState> {
      const { rows } = await booking.pool.query<CheckoutState>(
        `with claims as (
           select state from seat_claims where booking_id = $1 and released_at is null
            union all select state from pool_claims where booking_id = $1 and released_at is null
            union all select state from slot_claims where booking_id = $1 and released_at is null
         )
         select b.status, b.seats, b.pinned_at is not null as pinned, s.state as saga, s.undo,
                (select count(*)::int from claims) as live,
                (select count(*)::int from claims where claims.state = 'BOOKED') as booked,
                (select array_agg(split_part(subject, '.', 4) order by family, seq) from outbox o
                  where o.ordering_key = b.id and family in ('booking', 'checkout')) as messages
           from bookings b
           left join checkout_sagas s on s.booking_id = b.id
          where b.id = $1`,
        [held.id],
      );
      return rows[0]!;
    },

    /** The transitions, oldest first, e.g. `HELD PAYMENT_INITIATED`. */
    async history(held: Held): Promise<string[]> {
      const { rows } = await booking.pool.query<{ step: string }>(
        `select concat_ws(' ', from_status, to_status) as step from booking_history where booking_id = $1 order by version`,
        [held.id],
      );
      return rows.map((row) => row.step);
    },
  };
}

export type CheckoutFixture = ReturnType<typeof checkoutOver>;
