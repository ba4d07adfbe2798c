import type { Tx } from '@holdfast/shared/db/transaction';
import type { Id } from '@holdfast/shared/ids';
import * as events from '../events.ts';
import type { PaymentState } from './payment.ts';
import { savePayment, type LockedPayment } from './payment-store.ts';

/** What is known about an attempt at this moment, as the booking service would have been told it; null while nothing is. */
export function presentAnswer(
  state: PaymentState,
  attemptNumber: number,
): 'captured' | 'voided' | 'unknown' | 'authorised' | 'declined' | 'processing' | null {
  if (state.capturedAmount > 0n) return 'captured';
  if (state.voided) return 'voided';
  if (state.mismatch !== null || state.capture === 'unknown') return 'unknown';
  switch (state.attempts.find((attempt) => attempt.number === attemptNumber)?.status) {
    case 'AUTHORIZED':
      return 'authorised';
    case 'DECLINED':
      return 'declined';
    case 'PROCESSING':
      return 'processing';
    case 'UNKNOWN':
      return 'unknown';
    default:
      return null;
  }
}

/**
 * Answers a request that was made before. The saga asks again when it has heard nothing for a while; the answer may have been lost
 * on the way, and an answer that it knows does no harm.
 */
export async function answerAgain(tx: Tx, payment: LockedPayment, attempt: number, cause: string): Promise<void> {
  const { state } = payment;
  const answer = presentAnswer(state, attempt);
  if (answer === null) return;
  const of = { bookingId: payment.bookingId, paymentId: payment.id, attempt };
  const moved = { providerReference: payment.providerReference ?? '', amount: state.amount, currency: state.currency };
  await savePayment(tx, payment, state, 1);
  switch (answer) {
    case 'captured':
      return events.announce(tx, payment, cause, [events.captured(of, { ...moved, amount: state.capturedAmount })]);
    case 'authorised':
      return events.announce(tx, payment, cause, [events.authorised(of, moved)]);
    case 'declined':
      return events.announce(tx, payment, cause, [events.declined(of, await declineReason(tx, payment, attempt))]);
    case 'voided':
      return events.announce(tx, payment, cause, [events.voided(of)]);
    case 'unknown':
      return events.announce(tx, payment, cause, [events.unknown(of)]);
    case 'processing':
      return events.announce(tx, payment, cause, [events.processing(of)]);
  }
}

/** The same for a refund: says again that it settled. */
export async function answerRefundAgain(
  tx: Tx,
  payment: LockedPayment,
  refundId: Id<'rfd'>,
  cause: string,
): Promise<void> {
  const { rows } = await tx.query<{ amount: bigint; currency: string }>(
    `select amount, currency from refunds where id = $1 and status = 'SUCCEEDED'`,
    [refundId],
  );
  const refund = rows[0];
  if (!refund) return;
  await savePayment(tx, payment, payment.state, 1);
  const of = { bookingId: payment.bookingId, paymentId: payment.id, refundId };
  await events.announce(tx, payment, cause, [events.refunded(of, refund.amount, refund.currency)]);
}

async function declineReason(tx: Tx, payment: LockedPayment, attempt: number): Promise<string> {
  const { rows } = await tx.query<{ decline_reason: string | null }>(
    'select decline_reason from attempts where payment_id = $1 and number = $2',
    [payment.id, attempt],
  );
  return rows[0]?.decline_reason ?? 'declined';
}
