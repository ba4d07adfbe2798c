import type { Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import { findPaymentId } from './payment-store.ts';

/**
 * The payment that something at the provider belongs to: by the intent's id, or by our id in its metadata while the intent's id is
 * not committed here yet. Null when no payment of ours is known, now.
 */
export function resolvePayment(
  tx: Tx,
  provider: string,
  by: { reference: string | null; paymentId: string | null },
): Promise<PaymentId | null> {
  return findPaymentId(tx, provider, by);
}
