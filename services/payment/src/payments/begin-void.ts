import type { voidRequested } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { z } from 'zod';
import * as events from '../events.ts';
import { planCancel, withdrawUnsent } from '../operations/plan-operation.ts';
import { answerAgain, presentAnswer } from './answer-again.ts';
import { lockPayment, savePayment, type LockedPayment } from './payment-store.ts';
import { settleLocked } from './settle-outcome.ts';

/**
 * Gives an authorisation up, also one whose outcome nobody knows yet. It ends in `voided`, or in `captured` where the money had
 * moved before: then only a refund helps. With `unless_paid` it may end in `authorised` as well: the provider is asked before
 * anything is cancelled, and an authorisation is left standing for the saga to decide about.
 */
export async function beginVoid(tx: Tx, data: z.infer<typeof voidRequested>, cause: string): Promise<void> {
  const payment = await lockPayment(tx, data.payment_id);
  if (!payment || payment.bookingId !== data.booking_id) throw new PermanentMessageError('void of an unknown payment');
  const { state } = payment;
  if (state.capturedAmount > 0n) return answerAgain(tx, payment, data.attempt, cause);
  if (state.voided) {
    // Given up by the provider before: the one who asks now has not heard it as an answer.
    await savePayment(tx, payment, { ...state, voidRequested: true }, 1);
    const of = { bookingId: payment.bookingId, paymentId: payment.id, attempt: data.attempt };
    await events.announce(tx, payment, cause, [events.voided(of)]);
    return;
  }
  const unlessPaid = data.unless_paid === true;
  if (state.voidRequested) {
    // The call that is under way reads on its next try that nothing is to be left standing any more.
    if (state.voidUnlessPaid && !unlessPaid) await savePayment(tx, payment, { ...state, voidUnlessPaid: false }, 0);
    return;
  }
  if (unlessPaid && presentAnswer(state, data.attempt) === 'authorised') {
    return answerAgain(tx, payment, data.attempt, cause);
  }

  const after = { ...state, voidRequested: true, voidUnlessPaid: unlessPaid };
  await savePayment(tx, payment, after, 0);
  const requested: LockedPayment = { ...payment, state: after };
  const withdrawn = await withdrawUnsent(tx, payment.id);
  const nothingSent = payment.providerReference === null && withdrawn.includes('create');
  const nothingMade = payment.providerReference === null && state.attempts.every((each) => each.status === 'DECLINED');
  if (nothingSent || nothingMade) {
    await settleLocked(tx, requested, { attempt: data.attempt, fact: { kind: 'voided' }, cause });
    return;
  }
  const hasIntent = payment.providerReference !== null;
  await planCancel(tx, { paymentId: payment.id, attempt: data.attempt, hasIntent, unlessPaid, cause });
}
