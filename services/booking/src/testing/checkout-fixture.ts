import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId, type BookingId, type EventId } from '@holdfast/shared/ids';
import { BookingWatch } from '../bookings/booking-watch.ts';
import { cancelBooking } from '../bookings/cancel-booking.ts';
import { expireHolds } from '../bookings/expire-holds.ts';
import { payBooking } from '../bookings/pay-booking.ts';
import { applySagaMessage, type SagaInput } from '../checkout-saga/apply-saga-message.ts';
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

    async pay(held: Held, key: string = newId('req'), waitMs = 1) {
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
    },

    /** Lets every hold of the database run out, and sets the clock right again. */
    async expireEverything(): Promise<void> {
      await booking.database.advanceClock(1_801_000);
      await expireHolds({ pool: booking.pool, watch, onCommit });
      await booking.database.setClockOffset(0);
    },

    async state(held: Held): Promise<CheckoutState> {
      const { rows } = await booking.pool.query<CheckoutState>(
        `select b.status, b.pinned_at is not null as pinned, s.state as saga, s.undo,
                (select count(*)::int from seat_claims c
                  where c.booking_id = b.id and released_at is null) as live,
                (select count(*)::int from seat_claims c
                  where c.booking_id = b.id and released_at is null and state = 'BOOKED') as booked,
                (select array_agg(split_part(subject, '.', 4) order by family, seq) from outbox o
                  where o.ordering_key = b.id and family in ('booking', 'checkout')) as messages
           from bookings b left join checkout_sagas s on s.booking_id = b.id
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
