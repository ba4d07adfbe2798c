import type { authorisationRequested } from '@holdfast/shared/contracts/events';
import { violatedConstraint, type Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { z } from 'zod';
import * as events from '../events.ts';
import { planFirstAttempt, planNextAttempt } from '../operations/plan-operation.ts';
import { answerAgain } from './answer-again.ts';
import { canAttempt, type PaymentState } from './payment.ts';
import { insertAttempt, insertPayment, lockPayment, savePayment, type LockedPayment } from './payment-store.ts';

export interface AuthorisationRequest {
  readonly data: z.infer<typeof authorisationRequested>;
  readonly provider: string;
  readonly cause: string;
  readonly traceparent: string | null;
}

/** Writes down a payment, or its next attempt, and the calls that it takes. Nothing is sent here. */
export async function beginAuthorisation(tx: Tx, request: AuthorisationRequest): Promise<void> {
  const { data } = request;
  const payment = await lockPayment(tx, data.payment_id);
  if (payment) return beginNextAttempt(tx, payment, request);

  if (data.attempt !== 1) throw new PermanentMessageError(`attempt ${data.attempt} of an unknown payment`);
  await insertPayment(tx, {
    id: data.payment_id,
    bookingId: data.booking_id,
    userId: data.user_id,
    reference: data.reference,
    provider: request.provider,
    amount: BigInt(data.amount),
    currency: data.currency,
    traceparent: request.traceparent,
  }).catch((error: unknown) => {
    if (violatedConstraint(error) !== 'payments_one_per_booking') throw error;
    throw new PermanentMessageError('the booking has another payment', { cause: error });
  });
  await insertAttempt(tx, {
    paymentId: data.payment_id,
    number: 1,
    paymentMethod: data.payment_method,
  });
  await planFirstAttempt(tx, data.payment_id, request.cause);
}

async function beginNextAttempt(tx: Tx, payment: LockedPayment, { data, cause }: AuthorisationRequest): Promise<void> {
  if (payment.bookingId !== data.booking_id) throw new PermanentMessageError('the payment belongs to another booking');
  if (payment.state.attempts.some((attempt) => attempt.number === data.attempt)) {
    return answerAgain(tx, payment, data.attempt, cause);
  }
  const sameMoney = payment.state.amount === BigInt(data.amount) && payment.state.currency === data.currency;
  const refusal = !sameMoney ? 'amount_changed' : canAttempt(payment.state) ? null : 'payment_not_open';

  if (refusal === null) {
    await insertAttempt(tx, { paymentId: payment.id, number: data.attempt, paymentMethod: data.payment_method });
    const opened: PaymentState = {
      ...payment.state,
      attempts: [...payment.state.attempts, { number: data.attempt, status: 'PENDING', charge: null }],
    };
    await savePayment(tx, payment, opened, 0);
    const hasIntent = payment.providerReference !== null;
    await planNextAttempt(tx, { paymentId: payment.id, attempt: data.attempt, hasIntent, cause });
    return;
  }
  // Refused by ourselves: the saga gets an answer that it can act on, and the payment stays as it is, without a new attempt.
  await savePayment(tx, payment, payment.state, 1);
  const of = { bookingId: payment.bookingId, paymentId: payment.id, attempt: data.attempt };
  await events.announce(tx, payment, cause, [events.declined(of, refusal)]);
}
