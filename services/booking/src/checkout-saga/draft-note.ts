import type { BookingChanges } from '../bookings/booking-store.ts';
import type { BookingDraft } from '../bookings/booking-draft.ts';
import type { SagaInput } from './saga-input.ts';
import { retryRefundAfterSeconds } from './checkout-saga.ts';
import { later, withRefund } from './draft-step.ts';
import type { SagaRow } from './saga-store.ts';

/** Drafts what the payment service said, or why somebody cancels, as the booking shows it. */
export function draftNote(draft: BookingDraft, saga: SagaRow, input: SagaInput, now: Date): void {
  const changes: { -readonly [K in keyof BookingChanges]: BookingChanges[K] } = {};
  if (input.paymentStatus !== undefined) changes.payment_status = input.paymentStatus;
  if (input.message === 'refunded') changes.refund_status = 'SUCCEEDED';
  if (input.message === 'cancelled') changes.cancel_reason = input.reason;
  if (input.declineReason !== undefined) changes.payment_decline_reason = input.declineReason;
  changes.payment_redirect_url = input.redirectUrl ?? null;
  draft.change(changes);
  if (input.message === 'refund_failed') draft.saga = { before: saga, after: refundAnew(saga, input.reason, now) };
}

/**
 * The provider has refused a refund for good, so the next one goes under an id of its own: the old id would only bring the old answer.
 * It is on record before it is asked for, after a pause that grows, and as often as it takes.
 */
function refundAnew(saga: SagaRow, error: string, now: Date): SagaRow {
  return {
    ...withRefund(saga, saga.refund_amount!),
    tries: saga.tries + 1,
    last_error: error,
    next_action_at: later(now, retryRefundAfterSeconds(saga.tries)),
  };
}
