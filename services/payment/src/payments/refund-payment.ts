import { recordAudit, type Actor } from '@holdfast/shared/audit/record-audit';
import type { refund as refundSchema } from '@holdfast/shared/contracts/payments';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { newId, type PaymentId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { z } from 'zod';
import { planRefund } from '../operations/plan-operation.ts';
import { refundRefusal } from './payment.ts';
import { insertRefund, lockPayment } from './payment-store.ts';

export interface RefundCommand {
  readonly paymentId: PaymentId;
  /** The operator, by the scope of the key. */
  readonly scope: KeyScope;
  /** Minor units. */
  readonly amount: bigint;
  /** Null for the payment's own. */
  readonly currency: string | null;
  readonly reason: string;
  readonly actor: Actor;
}

export type RefundRefusal =
  | { readonly refused: 'not_found' }
  | { readonly refused: 'refund_amount_invalid' }
  /** `currency` is the payment's. */
  | { readonly refused: 'refund_currency_mismatch'; readonly currency: string }
  /** `left` can still go back, in minor units. */
  | { readonly refused: 'refund_exceeds_captured'; readonly left: bigint };

/**
 * An operator's refund: writes it down with the call that makes it and the answer to its key, in one transaction, and answers
 * PENDING. The booking stays as it is. A refusal leaves neither an effect nor a key. Nudge the driver afterwards.
 * @throws Problem `idempotency_key_reused`, `idempotency_in_progress`.
 */
export function refundPayment(pool: Pool, command: RefundCommand): Promise<OnceAnswered | RefundRefusal> {
  return answerOnce<RefundRefusal>(pool, command.scope, (tx) => refund(tx, command));
}

async function refund(tx: Tx, command: RefundCommand): Promise<StoredAnswer | RefundRefusal> {
  const payment = await lockPayment(tx, command.paymentId);
  if (!payment) return { refused: 'not_found' };
  const { capturedAmount, currency } = payment.state;
  if (command.amount < 1n) return { refused: 'refund_amount_invalid' };
  const money = { amount: command.amount, currency: command.currency ?? currency };
  const refusal = refundRefusal({ capturedAmount, currency }, payment.refundReserved, money);
  if (refusal === 'currency_differs') return { refused: 'refund_currency_mismatch', currency };
  if (refusal !== null) return { refused: 'refund_exceeds_captured', left: capturedAmount - payment.refundReserved };

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
  await planRefund(tx, payment.id, id, command.actor.requestId);
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
  await recordAudit(tx, command.actor, { action: 'refund', before: null, after: body, reason });
  return { status: 201, headers: {}, body: JSON.stringify(body) };
}
