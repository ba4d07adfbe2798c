import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import type { PaymentState, ProviderFee } from '../payments/payment.ts';
import { entriesOfChange, entriesOfLateAuthorisation, entryOf } from './ledger-rules.ts';
import { insertEntries, insertMissingEntries } from './ledger-store.ts';

/** Posts what a change of a payment moved, in the transaction of that change; `reference` is the intent. */
export function postChange(
  tx: Tx,
  change: { paymentId: PaymentId; before: PaymentState; after: PaymentState; reference: string; cause: string },
): Promise<void> {
  return insertEntries(
    tx,
    change.paymentId,
    entriesOfChange(change.before, change.after, change.reference),
    change.cause,
  );
}

/** Posts an authorisation that is told after its payment was voided; nothing where that was no authorisation of ours. */
export function postLateAuthorisation(
  tx: Tx,
  late: {
    paymentId: PaymentId;
    state: PaymentState;
    told: { readonly amount: bigint; readonly currency: string };
    reference: string;
    cause: string;
  },
): Promise<void> {
  return insertEntries(
    tx,
    late.paymentId,
    entriesOfLateAuthorisation(late.state, late.told, late.reference),
    late.cause,
  );
}

/** Posts a refund that settled, in the transaction that records it. */
export function postRefund(
  tx: Tx,
  paymentId: PaymentId,
  refund: { readonly reference: string; readonly amount: bigint; readonly currency: string },
  cause: string,
): Promise<void> {
  return insertEntries(tx, paymentId, [entryOf('refund', refund)], cause);
}

/** Posts what the provider kept of a capture. It is often told later than the capture; a fee of nothing posts nothing. */
export function postFee(tx: Tx, paymentId: PaymentId, fee: ProviderFee, cause: string): Promise<void> {
  return insertEntries(tx, paymentId, fee.amount > 0n ? [entryOf('fee', fee)] : [], cause);
}

/** Posts the fees of several payments, as a sweep of the provider's books finds them. */
export async function postFees(
  pool: Pool,
  fees: readonly { readonly paymentId: PaymentId; readonly fee: ProviderFee }[],
): Promise<void> {
  const charged = fees.filter(({ fee }) => fee.amount > 0n);
  if (charged.length === 0) return;
  await withTransaction(pool, async (tx) => {
    for (const { paymentId, fee } of charged) await postFee(tx, paymentId, fee, 'reconciliation');
  });
}

/** Posts what payments and refunds say and the ledger lacks; returns how many entries that were. */
export function postMissing(pool: Pool): Promise<bigint> {
  return insertMissingEntries(pool);
}
