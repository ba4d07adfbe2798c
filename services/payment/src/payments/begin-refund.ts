import type { refundRequested } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { z } from 'zod';
import * as events from '../events.ts';
import { planRefund } from '../operations/plan-operation.ts';
import { refundLeft, refundRefusal } from './payment.ts';
import { answerRefundAgain } from './answer-again.ts';
import { findRefund, insertRefund, lockPayment, savePayment, sumOperatorRefunds } from './payment-store.ts';

/**
 * Writes down a refund that the saga asks for; its id is the provider's key, so it happens once. More than was captured never goes
 * back: what operators paid back before is taken off, and where that was everything the refund is done as it stands.
 */
export async function beginRefund(tx: Tx, data: z.infer<typeof refundRequested>, cause: string): Promise<void> {
  const payment = await lockPayment(tx, data.payment_id);
  if (!payment || payment.bookingId !== data.booking_id)
    throw new PermanentMessageError('refund of an unknown payment');
  if (await findRefund(tx, data.refund_id)) return answerRefundAgain(tx, payment, data.refund_id, cause);

  const of = { bookingId: payment.bookingId, paymentId: payment.id, refundId: data.refund_id };
  const { capturedAmount } = payment.state;
  const byOperators = await sumOperatorRefunds(tx, payment.id);
  const money = {
    amount: refundLeft(BigInt(data.amount), capturedAmount, payment.refundReserved, byOperators),
    currency: data.currency,
  };
  if (money.amount === 0n) {
    await savePayment(tx, payment, payment.state, 1);
    await events.announce(tx, payment, cause, [events.refunded(of, 0n, money.currency)]);
    return;
  }
  const failure = refundRefusal({ capturedAmount, currency: payment.state.currency }, payment.refundReserved, money);
  await insertRefund(tx, {
    id: data.refund_id,
    paymentId: payment.id,
    ...money,
    reason: data.reason,
    failure,
    requestedBy: null,
  });
  if (failure === null) {
    await planRefund(tx, payment.id, data.refund_id, cause);
    return;
  }
  await savePayment(tx, payment, payment.state, 1);
  await events.announce(tx, payment, cause, [events.refundFailed(of, failure)]);
}
