import type { Tx } from '@holdfast/shared/db/transaction';
import * as events from '../events.ts';
import { endRefundCall } from '../operations/plan-operation.ts';
import { postRefund } from '../ledger/post-entries.ts';
import { findRefund, lockPayment, savePayment, settleRefundRow } from './payment-store.ts';

export type RefundOutcome =
  | { readonly kind: 'refunded'; readonly reference: string; readonly amount: bigint; readonly currency: string }
  | { readonly kind: 'refund_failed'; readonly reason: string };

/**
 * Ends a refund, once, whether the answer or the callback tells first. Refunds that we did not ask for have no row and change
 * nothing here. Nudge the relay after the commit.
 */
export async function settleRefund(
  tx: Tx,
  refundId: string,
  outcome: RefundOutcome,
  cause: string,
): Promise<'changed' | 'already' | 'mismatch' | 'unknown_refund'> {
  const known = await findRefund(tx, refundId);
  if (!known) return 'unknown_refund';
  const payment = await lockPayment(tx, known.paymentId);
  if (!payment) throw new Error(`refund ${refundId} without its payment`);
  const of = { bookingId: payment.bookingId, paymentId: payment.id, refundId: known.id };

  if (outcome.kind === 'refund_failed') {
    if (!(await settleRefundRow(tx, known, { status: 'FAILED', reason: outcome.reason }))) return 'already';
    await savePayment(tx, payment, payment.state, 1);
    await events.announce(tx, payment, cause, [events.refundFailed(of, outcome.reason)]);
  } else {
    if (outcome.amount !== known.amount || outcome.currency !== known.currency) return 'mismatch';
    if (!(await settleRefundRow(tx, known, { status: 'SUCCEEDED', reference: outcome.reference }))) return 'already';
    const after = { ...payment.state, refundedAmount: payment.state.refundedAmount + known.amount };
    await savePayment(tx, payment, after, 1);
    const { reference, amount, currency } = outcome;
    await postRefund(tx, payment.id, { reference, amount, currency }, cause);
    await events.announce(tx, payment, cause, [events.refunded(of, known.amount, known.currency)]);
  }
  await endRefundCall(tx, known.id);
  return 'changed';
}
