import type { Tx } from '@holdfast/shared/db/transaction';
import type { Id, PaymentId } from '@holdfast/shared/ids';
import { keyOf, type OperationKind } from './operation.ts';
import { endOperations, endRefundOperation, insertOperations, skipUnsent } from './operation-store.ts';

/**
 * What payments ask of operations. Each is part of the caller's transaction; the driver carries out what was committed, so nudge
 * it afterwards.
 */

/** The intent and its first confirmation; the latter waits for the intent's id. */
export async function planFirstAttempt(tx: Tx, paymentId: PaymentId, cause: string): Promise<void> {
  const common = { paymentId, refundId: null, cause };
  await insertOperations(tx, [
    { ...common, kind: 'create', attempt: 1, idempotencyKey: keyOf.create(paymentId), state: 'DUE' },
    { ...common, kind: 'confirm', attempt: 1, idempotencyKey: keyOf.confirm(paymentId, 1), state: 'WAITING' },
  ]);
}

/** Another confirmation of the same intent, or a new try at making the intent when there is none yet. */
export async function planNextAttempt(
  tx: Tx,
  request: { paymentId: PaymentId; attempt: number; hasIntent: boolean; cause: string },
): Promise<void> {
  const { paymentId, attempt, hasIntent, cause } = request;
  const common = { paymentId, attempt, refundId: null, cause };
  const confirm = { ...common, kind: 'confirm' as const, idempotencyKey: keyOf.confirm(paymentId, attempt) };
  if (hasIntent) {
    await insertOperations(tx, [{ ...confirm, state: 'DUE' }]);
    return;
  }
  // The first creation was refused for good, and nothing exists under its key.
  await insertOperations(tx, [
    { ...common, kind: 'create', idempotencyKey: `${keyOf.create(paymentId)}/${attempt}`, state: 'DUE' },
    { ...confirm, state: 'WAITING' },
  ]);
}

export async function planCapture(tx: Tx, paymentId: PaymentId, attempt: number, cause: string): Promise<void> {
  await insertOperations(tx, [
    {
      paymentId,
      kind: 'capture',
      attempt,
      refundId: null,
      idempotencyKey: keyOf.capture(paymentId, attempt),
      state: 'DUE',
      cause,
    },
  ]);
}

/**
 * Cancels the intent; waits for its id where the creation is still under way. One that gives way to an authorisation has a key of
 * its own: a void for good may follow it.
 */
export async function planCancel(
  tx: Tx,
  request: { paymentId: PaymentId; attempt: number; hasIntent: boolean; unlessPaid: boolean; cause: string },
): Promise<void> {
  const { paymentId, attempt, hasIntent, unlessPaid, cause } = request;
  const idempotencyKey = unlessPaid ? keyOf.cancelUnpaid(paymentId) : keyOf.cancel(paymentId);
  const state = hasIntent ? 'DUE' : 'WAITING';
  await insertOperations(tx, [{ paymentId, kind: 'cancel', attempt, refundId: null, idempotencyKey, state, cause }]);
}

export async function planRefund(tx: Tx, paymentId: PaymentId, refundId: Id<'rfd'>, cause: string): Promise<void> {
  await insertOperations(tx, [
    { paymentId, kind: 'refund', attempt: null, refundId, idempotencyKey: keyOf.refund(refundId), state: 'DUE', cause },
  ]);
}

/** Withdraws the calls of an authorisation and capture that were never taken up; says which were. */
export function withdrawUnsent(tx: Tx, paymentId: PaymentId): Promise<OperationKind[]> {
  return skipUnsent(tx, paymentId, ['create', 'confirm', 'capture']);
}

/** Withdraws a confirmation that waited for the intent's id. */
export async function withdrawUnsentConfirm(tx: Tx, paymentId: PaymentId): Promise<void> {
  await skipUnsent(tx, paymentId, ['confirm']);
}

/** Ends the calls that a final fact about the attempt made needless. */
export async function endNeedless(
  tx: Tx,
  paymentId: PaymentId,
  attempt: number,
  fact: 'authorised' | 'declined' | 'captured' | 'voided' | 'mismatch',
): Promise<void> {
  const outcome = `settled_${fact}`;
  if (fact === 'captured')
    await endOperations(tx, paymentId, ['create', 'confirm', 'capture', 'cancel'], null, outcome);
  else if (fact === 'voided')
    await endOperations(tx, paymentId, ['create', 'confirm', 'capture', 'cancel'], null, outcome);
  else if (fact === 'mismatch') await endOperations(tx, paymentId, ['create', 'confirm', 'capture'], null, outcome);
  else await endOperations(tx, paymentId, ['create', 'confirm'], attempt, outcome);
}

/** Ends a cancellation that was to give way to the authorisation which has turned up. */
export async function endCancel(tx: Tx, paymentId: PaymentId): Promise<void> {
  await endOperations(tx, paymentId, ['cancel'], null, 'settled_authorised');
}

/** Ends the call of a refund that a callback settled. */
export function endRefundCall(tx: Tx, refundId: Id<'rfd'>): Promise<void> {
  return endRefundOperation(tx, refundId, 'settled_by_callback');
}
