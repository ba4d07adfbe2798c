import type { refund as refundSchema } from '@holdfast/shared/contracts/payments';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import { newId, type PaymentId, type RequestId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { z } from 'zod';
import { planRefund } from '../operations/plan-operation.ts';
import { refundRefusal } from './payment.ts';
import { insertRefund, lockPayment } from './payment-store.ts';

export interface RefundCommand {
  readonly paymentId: PaymentId;
  /** The operator, by the scope of the key. */
  readonly scope: KeyScope;
  /** Minor units of the payment's currency; at least 1. */
  readonly amount: bigint;
  readonly reason: string;
  readonly requestId: RequestId;
}

export type RefundResult =
  | { readonly kind: 'answered'; readonly answer: StoredAnswer; readonly replayed: boolean }
  | { readonly kind: 'not_found' }
  /** `left` can still go back, in minor units. */
  | { readonly kind: 'refund_exceeds_captured'; readonly left: bigint }
  /** The first call with this key is still running. */
  | { readonly kind: 'idempotency_in_progress' };

/**
 * An operator's refund: writes it down with the call that makes it and the answer to its key, in one transaction, and answers
 * PENDING. The booking stays as it is. A refusal leaves neither an effect nor a key. Nudge the driver afterwards.
 * @throws Problem `idempotency_key_reused`.
 */
export async function refundPayment(pool: Pool, command: RefundCommand): Promise<RefundResult> {
  let waitsForKey = false;
  try {
    return await withTransaction(
      pool,
      async (tx): Promise<RefundResult> => {
        waitsForKey = true;
        await lockKey(tx, command.scope);
        waitsForKey = false;
        const stored = await findAnswer(tx, command.scope);
        if (stored) return { kind: 'answered', answer: stored.answer, replayed: true };
        return refund(tx, command);
      },
      // Each attempt waits for a lock for a second at most: two are the 2 s that a caller with the same key is kept waiting.
      { attempts: 2 },
    );
  } catch (error) {
    const lockTimeout = error instanceof Error && 'code' in error && error.code === '55P03';
    if (waitsForKey && lockTimeout) return { kind: 'idempotency_in_progress' };
    throw error;
  }
}

async function refund(tx: Tx, command: RefundCommand): Promise<RefundResult> {
  const payment = await lockPayment(tx, command.paymentId);
  if (!payment) return { kind: 'not_found' };
  const { capturedAmount, currency } = payment.state;
  const money = { amount: command.amount, currency };
  if (refundRefusal({ capturedAmount, currency }, payment.refundReserved, money) !== null) {
    return { kind: 'refund_exceeds_captured', left: capturedAmount - payment.refundReserved };
  }

  const id = newId('rfd');
  const { reason } = command;
  await insertRefund(tx, {
    id,
    paymentId: payment.id,
    ...money,
    reason,
    failure: null,
    requestedBy: command.scope.userId,
  });
  await planRefund(tx, payment.id, id, command.requestId);
  const body: z.input<typeof refundSchema> = {
    id,
    object: 'refund',
    payment_id: payment.id,
    status: 'PENDING',
    amount: amountToJson(money.amount),
    currency,
    reason,
    created_at: payment.now.toISOString(),
  };
  const answer = { status: 201, headers: {}, body: JSON.stringify(body) };
  await storeAnswer(tx, command.scope, answer);
  return { kind: 'answered', answer, replayed: false };
}
