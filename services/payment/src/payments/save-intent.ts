import type { Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import { withdrawUnsentConfirm } from '../operations/plan-operation.ts';
import { lockPayment, saveReference } from './payment-store.ts';

/** Keeps the id of the intent that was made. Where a void was asked for meanwhile, nothing is confirmed on it any more. */
export async function saveIntent(tx: Tx, paymentId: PaymentId, reference: string): Promise<void> {
  const payment = await lockPayment(tx, paymentId);
  if (!payment) throw new Error(`intent ${reference} was made for unknown payment ${paymentId}`);
  await saveReference(tx, paymentId, reference);
  if (payment.state.voidRequested) await withdrawUnsentConfirm(tx, paymentId);
}
