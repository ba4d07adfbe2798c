import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import { amountToJson } from '@holdfast/shared/money';
import type { BookingRow } from '../bookings/booking-row.ts';
import type { SagaRow } from '../checkout-saga/saga-store.ts';

/** What a saga needs of its booking to be shown. */
export type SagaBooking = Pick<BookingRow, 'reference' | 'status' | 'price_currency'>;

/** A saga as operators see it. */
export function toSagaJson(saga: SagaRow, booking: SagaBooking, now: Date): SagaJson {
  const overdue = saga.deadline_at !== null && saga.deadline_at <= now;
  return {
    id: saga.booking_id,
    object: 'saga',
    booking_id: saga.booking_id,
    reference: booking.reference,
    booking_status: booking.status,
    state: saga.state,
    payment_id: saga.payment_id,
    attempt: saga.attempt,
    undo: saga.undo,
    tries: saga.tries,
    next_action_at: saga.next_action_at?.toISOString() ?? null,
    deadline_at: saga.deadline_at?.toISOString() ?? null,
    stuck: saga.state === 'STUCK' || overdue,
    reason: saga.stuck_reason ?? saga.last_error ?? (overdue ? `no answer after ${saga.tries} tries` : null),
    stuck_in: saga.stuck_in,
    refund:
      saga.refund_id === null || saga.refund_amount === null
        ? null
        : {
            id: saga.refund_id,
            amount: { amount: amountToJson(saga.refund_amount), currency: booking.price_currency },
          },
    created_at: saga.created_at.toISOString(),
    updated_at: saga.updated_at.toISOString(),
  };
}
