import type { captureRequested } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { z } from 'zod';
import * as events from '../events.ts';
import { planCapture } from '../operations/plan-operation.ts';
import { answerAgain } from './answer-again.ts';
import { lockPayment, savePayment } from './payment-store.ts';

/**
 * Writes down the capture of an authorised payment. What cannot be captured is answered with `capture_failed`; that goes for an
 * authorisation which was told with another amount since, too: what is in doubt is never turned into money.
 */
export async function beginCapture(tx: Tx, data: z.infer<typeof captureRequested>, cause: string): Promise<void> {
  const payment = await lockPayment(tx, data.payment_id);
  if (!payment || payment.bookingId !== data.booking_id)
    throw new PermanentMessageError('capture of an unknown payment');
  const { state } = payment;
  // Being captured: its outcome is on the way. Captured already: it is told again, should the answer have been lost.
  if (state.capture === 'done') return answerAgain(tx, payment, data.attempt, cause);
  if (state.capture === 'requested' || state.capture === 'unknown') return;

  const attempt = state.attempts.find((each) => each.number === data.attempt);
  const sameMoney = state.amount === BigInt(data.amount) && state.currency === data.currency;
  const refusal = !sameMoney
    ? 'amount_changed'
    : state.mismatch !== null
      ? 'amount_in_doubt'
      : state.voidRequested || state.voided || attempt?.status !== 'AUTHORIZED'
        ? 'not_authorised'
        : null;
  if (refusal === null) {
    await savePayment(tx, payment, { ...state, capture: 'requested' }, 0);
    await planCapture(tx, payment.id, data.attempt, cause);
    return;
  }
  await savePayment(tx, payment, { ...state, capture: 'failed' }, 1);
  const of = { bookingId: payment.bookingId, paymentId: payment.id, attempt: data.attempt };
  await events.announce(tx, payment, cause, [events.captureFailed(of, refusal)]);
}
