import type { Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import * as events from '../events.ts';
import { endCancel, endNeedless } from '../operations/plan-operation.ts';
import { postChange, postFee, postLateAuthorisation } from '../ledger/post-entries.ts';
import { applyFact, type Announcement, type Fact, type PaymentState } from './payment.ts';
import { lockPayment, savePayment, type LockedPayment } from './payment-store.ts';

export interface Outcome {
  readonly paymentId: PaymentId;
  /** The attempt that a call was made for; null for a callback. */
  readonly attempt: number | null;
  readonly fact: Fact;
  /** Id of the operation or callback that brought it. */
  readonly cause: string;
}

export type Settled = 'changed' | 'already' | 'mismatch' | 'unknown_payment';

/**
 * Takes a fact about a payment, from an answer or a callback, whichever comes first; the other finds the work done. Payment,
 * attempt, ledger, needless calls and event change in the caller's transaction. Nudge the relay after the commit.
 */
export async function settleOutcome(tx: Tx, outcome: Outcome): Promise<Settled> {
  const payment = await lockPayment(tx, outcome.paymentId);
  if (!payment) return 'unknown_payment';
  return settleLocked(tx, payment, outcome);
}

/** The same for a payment that the caller has locked. */
export async function settleLocked(
  tx: Tx,
  payment: LockedPayment,
  outcome: Omit<Outcome, 'paymentId'>,
): Promise<Settled> {
  const { fact } = outcome;
  const decision = applyFact(payment.state, fact, outcome.attempt);
  // A callback may come before the intent's id is committed; a payment posts each kind once in any case.
  const reference = payment.providerReference ?? payment.id;
  if (decision.kind === 'already') {
    // The callback that told of the capture knows no fee; the answer that comes after it does.
    if (fact.kind === 'captured' && fact.fee && payment.state.capturedAmount > 0n)
      await postFee(tx, payment.id, fact.fee, outcome.cause);
    if (fact.kind === 'authorised')
      await postLateAuthorisation(tx, {
        paymentId: payment.id,
        state: payment.state,
        told: fact,
        reference,
        cause: outcome.cause,
      });
    return 'already';
  }

  const announcement = decision.announce;
  await savePayment(tx, payment, decision.state, announcement === null ? 0 : 1, {
    ...(fact.kind === 'declined' ? { declineReason: fact.reason } : {}),
    ...(fact.kind === 'requires_action' ? { redirectUrl: fact.redirectUrl } : {}),
  });
  if (decision.kind === 'changed') {
    await postChange(tx, {
      paymentId: payment.id,
      before: payment.state,
      after: decision.state,
      reference,
      cause: outcome.cause,
    });
    if (fact.kind === 'captured' && fact.fee) await postFee(tx, payment.id, fact.fee, outcome.cause);
  }
  if (decision.kind === 'mismatch') await endNeedless(tx, payment.id, decision.attempt, 'mismatch');
  else if (isFinal(fact)) await endNeedless(tx, payment.id, decision.attempt, fact.kind);
  if (payment.state.voidUnlessPaid && !decision.state.voidRequested) await endCancel(tx, payment.id);
  if (announcement !== null) {
    await events.announce(tx, payment, outcome.cause, [
      toEvent(payment, decision.state, decision.attempt, announcement),
    ]);
  }

  // Nothing was ever made at the provider, so there is nothing to cancel: the void that was asked for is done.
  if (fact.kind === 'declined' && payment.state.voidRequested && payment.providerReference === null) {
    const after = await lockPayment(tx, payment.id);
    await settleLocked(tx, after!, { attempt: decision.attempt, fact: { kind: 'voided' }, cause: outcome.cause });
  }
  return decision.kind;
}

function isFinal(fact: Fact): fact is Fact & { kind: 'authorised' | 'declined' | 'captured' | 'voided' } {
  return ['authorised', 'declined', 'captured', 'voided'].includes(fact.kind);
}

function toEvent(payment: LockedPayment, state: PaymentState, attempt: number, announcement: Announcement) {
  const of = { bookingId: payment.bookingId, paymentId: payment.id, attempt };
  const moved = { providerReference: payment.providerReference ?? '', amount: state.amount, currency: state.currency };
  switch (announcement.name) {
    case 'authorised':
      return events.authorised(of, moved);
    case 'captured':
      return events.captured(of, { ...moved, amount: state.capturedAmount });
    case 'processing':
      return events.processing(of);
    case 'unknown':
      return events.unknown(of);
    case 'voided':
      return events.voided(of);
    case 'requires_action':
      return events.requiresAction(of, announcement.redirectUrl);
    case 'declined':
      return events.declined(of, announcement.reason);
    case 'capture_failed':
      return events.captureFailed(of, announcement.reason);
    default:
      return announcement satisfies never;
  }
}
