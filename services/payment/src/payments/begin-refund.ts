import type { refundRequested } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { z } from 'zod';
import * as events from '../events.ts';
import { planRefund } from '../operations/plan-operation.ts';
import { refundRefusal } from './payment.ts';
import { answerRefundAgain } from './answer-again.ts';
import { findRefund, insertRefund, lockPayment, savePayment } from './payment-store.ts';

/** Writes down a refund; its id is the provider's key, so it happens once. More than was captured never goes back. */
export async function beginRefund(tx: Tx, data: z.infer<typeof refundRequested>, cause: string): Promise<void> {
  const payment = await lockPayment(tx, data.payment_id);
  if (!payment || payment.bookingId !== data.booking_id)
    throw new PermanentMessageError('refund of an unknown payment');
  if (await findRefund(tx, data.refund_id)) return answerRefundAgain(tx, payment, data.refund_id, cause);

  const money = { amount: BigInt(data.amount), currency: data.currency };
  const failure = refundRefusal(
    { capturedAmount: payment.state.capturedAmount, currency: payment.state.currency },
    payment.refundReserved,
    money,
  );
  await insertRefund(tx, { id: data.refund_id, paymentId: payment.id, ...money, reason: data.reason, failure });
  if (failure === null) {
    await planRefund(tx, payment.id, data.refund_id, cause);
    return;
  }
  await savePayment(tx, payment, payment.state, 1);
  const of = { bookingId: payment.bookingId, paymentId: payment.id, refundId: data.refund_id };
  await events.announce(tx, payment, cause, [events.refundFailed(of, failure)]);
}
