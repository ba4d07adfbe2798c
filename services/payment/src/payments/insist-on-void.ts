import type { Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import { lockPayment, savePayment } from './payment-store.ts';

/**
 * Whether a cancellation that found an authorisation must go on all the same: the authorisation did not end the void, because
 * somebody has decided meanwhile that nothing is left standing, or because it belongs to an attempt that had ended before. From here
 * on the void gives way to nothing.
 */
export async function insistOnVoid(tx: Tx, paymentId: PaymentId): Promise<boolean> {
  const payment = await lockPayment(tx, paymentId);
  if (!payment?.state.voidRequested) return false;
  if (payment.state.voidUnlessPaid) await savePayment(tx, payment, { ...payment.state, voidUnlessPaid: false }, 0);
  return true;
}
