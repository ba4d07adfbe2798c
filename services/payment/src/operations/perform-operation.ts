import type { Fact } from '../payments/payment.ts';
import type { RefundOutcome } from '../payments/settle-refund.ts';
import type { Answer, Intent, Provider, ProviderRefund } from '../provider/provider.ts';
import { factOf } from '../provider/read-intent.ts';
import type { Operation } from './operation.ts';

/** What carrying out an operation brought. */
export type Finding =
  | { readonly kind: 'created'; readonly reference: string }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'refund'; readonly outcome: RefundOutcome }
  /** Accepted, and the outcome is open: look again. */
  | { readonly kind: 'open' }
  /** Nothing happened; try again after the delay, under a fresh key where the provider would repeat its refusal of this one. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly reason: string; readonly freshKey?: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

const CANCEL_RETRY_MS = 1_000;

/** Makes the call of an operation, or asks what became of it. Never throws for what the provider does; no transaction may be open. */
export async function performOperation(provider: Provider, operation: Operation): Promise<Finding> {
  if (operation.kind === 'create') return create(provider, operation);
  const reference = operation.reference;
  if (reference === null) throw new Error(`operation ${operation.id} is due before its intent exists`);
  switch (operation.kind) {
    case 'confirm':
      return operation.mode === 'SEND'
        ? confirm(provider, operation, reference)
        : lookAtConfirm(provider, operation, reference);
    case 'capture':
      return operation.mode === 'SEND'
        ? capture(provider, operation, reference)
        : lookAtCapture(provider, operation, reference);
    case 'cancel':
      return operation.mode === 'SEND'
        ? cancel(provider, operation, reference)
        : lookAtCancel(provider, operation, reference);
    case 'refund':
      return performRefund(provider, operation, reference);
    default:
      return operation.kind satisfies never;
  }
}

/** Without an id there is nothing to look at: the same key again gives the first intent, or makes it. */
async function create(provider: Provider, operation: Operation): Promise<Finding> {
  const answer = await provider.createIntent({
    paymentId: operation.paymentId,
    bookingId: operation.bookingId,
    description: operation.description,
    amount: operation.amount,
    currency: operation.currency,
    key: operation.idempotencyKey,
  });
  if (answer.kind === 'ok') return { kind: 'created', reference: answer.value.reference };
  return failed(answer, (reason) => ({ kind: 'declined', reason, charge: null }));
}

async function confirm(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const paymentMethod = operation.paymentMethod ?? '';
  const answer = await provider.confirmIntent({ reference, paymentMethod, key: operation.idempotencyKey });
  if (answer.kind === 'ok') return told(answer.value);
  if (answer.kind === 'declined')
    return { kind: 'fact', fact: { kind: 'declined', reason: answer.reason, charge: answer.charge } };
  if (answer.kind === 'wrong_state') {
    const truth = await provider.retrieveIntent(reference);
    return truth.kind === 'ok' ? told(truth.value) : { kind: 'unknown', reason: answer.reason };
  }
  return failed(answer, (reason) => ({ kind: 'declined', reason, charge: null }));
}

async function lookAtConfirm(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const truth = await provider.retrieveIntent(reference);
  if (truth.kind !== 'ok') return blind(truth);
  const { failure, status } = truth.value;
  const ofThisAttempt = failure?.charge != null && !operation.formerCharges.includes(failure.charge);
  if (status !== 'open' || ofThisAttempt) return told(truth.value);
  // Not carried out as far as the intent shows. The same key makes a second confirmation impossible, so sending is safe.
  return confirm(provider, operation, reference);
}

async function capture(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const answer = await provider.captureIntent({ reference, amount: operation.amount, key: operation.idempotencyKey });
  if (answer.kind === 'ok') return told(answer.value);
  if (answer.kind === 'later' || answer.kind === 'unknown') return answer;
  // Refused: where the intent stands decides whether the money can still be had.
  const truth = await provider.retrieveIntent(reference);
  if (truth.kind !== 'ok') return { kind: 'unknown', reason: answer.reason };
  const fact = factOf(truth.value);
  if (fact !== null && (fact.kind === 'captured' || fact.kind === 'voided')) return { kind: 'fact', fact };
  return { kind: 'fact', fact: { kind: 'capture_failed', reason: answer.reason } };
}

async function lookAtCapture(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const truth = await provider.retrieveIntent(reference);
  if (truth.kind !== 'ok') return blind(truth);
  if (truth.value.status === 'authorised') return capture(provider, operation, reference);
  return told(truth.value);
}

async function cancel(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  return operation.unlessPaid
    ? cancelUnlessPaid(provider, operation, reference)
    : cancelNow(provider, operation, reference);
}

/** Looks first: an authorisation of our amount is told instead of given up; one of another amount helps nobody. */
async function cancelUnlessPaid(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const truth = await provider.retrieveIntent(reference);
  if (truth.kind !== 'ok') return blind(truth);
  const fact = factOf(truth.value);
  if (fact?.kind === 'voided' || fact?.kind === 'captured') return { kind: 'fact', fact };
  if (fact?.kind === 'authorised' && fact.amount === operation.amount && fact.currency === operation.currency) {
    return { kind: 'fact', fact };
  }
  // What comes of it is not known yet: a cancellation on its way might meet the authorisation that is to be left standing.
  if (truth.value.status === 'processing') {
    return { kind: 'later', delayMs: CANCEL_RETRY_MS, reason: 'the provider is still busy with the attempt' };
  }
  return cancelNow(provider, operation, reference);
}

async function cancelNow(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const answer = await provider.cancelIntent({ reference, key: operation.idempotencyKey });
  if (answer.kind === 'ok') return told(answer.value);
  if (answer.kind === 'later' || answer.kind === 'unknown') return answer;
  const truth = await provider.retrieveIntent(reference);
  return truth.kind === 'ok' ? ended(truth.value, answer.reason) : { kind: 'unknown', reason: answer.reason };
}

async function lookAtCancel(provider: Provider, operation: Operation, reference: string): Promise<Finding> {
  const truth = await provider.retrieveIntent(reference);
  if (truth.kind !== 'ok') return blind(truth);
  const fact = factOf(truth.value);
  if (fact?.kind === 'voided' || fact?.kind === 'captured') return { kind: 'fact', fact };
  return cancel(provider, operation, reference);
}

/** An intent that cannot be cancelled now, e.g. while it is being processed, can be later or has ended by then. */
function ended(intent: Intent, reason: string): Finding {
  const fact = factOf(intent);
  if (fact?.kind === 'voided' || fact?.kind === 'captured') return { kind: 'fact', fact };
  return { kind: 'later', delayMs: CANCEL_RETRY_MS, reason, freshKey: true };
}

/** What a refund needs of its operation; others than payments have refunds, too. */
export type RefundCall = Pick<Operation, 'mode' | 'refundId' | 'refundAmount' | 'idempotencyKey'> & {
  readonly id: string;
  readonly paymentId: string;
};

/** Makes a refund, or asks what became of it. */
export function performRefund(provider: Provider, call: RefundCall, reference: string): Promise<Finding> {
  return call.mode === 'SEND' ? refund(provider, call, reference) : lookAtRefund(provider, call, reference);
}

async function refund(provider: Provider, operation: RefundCall, reference: string): Promise<Finding> {
  const { refundId, refundAmount } = operation;
  if (refundId === null || refundAmount === null)
    throw new Error(`refund operation ${operation.id} without its refund`);
  const answer = await provider.refund({
    reference,
    refundId,
    paymentId: operation.paymentId,
    amount: refundAmount,
    key: operation.idempotencyKey,
  });
  if (answer.kind === 'ok') return refundTold(answer.value);
  if (answer.kind === 'later' || answer.kind === 'unknown') return answer;
  const found = await provider.findRefund(reference, refundId);
  if (found.kind !== 'ok') return { kind: 'unknown', reason: answer.reason };
  if (found.value !== null) return refundTold(found.value);
  return { kind: 'refund', outcome: { kind: 'refund_failed', reason: answer.reason } };
}

/** Asks by our id first: a key is forgotten by the provider after a day, the refund is not. */
async function lookAtRefund(provider: Provider, operation: RefundCall, reference: string): Promise<Finding> {
  const found = await provider.findRefund(reference, operation.refundId ?? '');
  if (found.kind !== 'ok') return blind(found);
  return found.value === null ? refund(provider, operation, reference) : refundTold(found.value);
}

/** An outcome of the provider's refund, or null while it is open. */
export function refundOutcomeOf(refund: ProviderRefund): RefundOutcome | null {
  if (refund.status === 'pending') return null;
  if (refund.status === 'failed') return { kind: 'refund_failed', reason: refund.failureReason ?? 'refund_failed' };
  return { kind: 'refunded', reference: refund.reference, amount: refund.amount, currency: refund.currency };
}

function refundTold(refund: ProviderRefund): Finding {
  const outcome = refundOutcomeOf(refund);
  return outcome === null ? { kind: 'open' } : { kind: 'refund', outcome };
}

function told(intent: Intent): Finding {
  const fact = factOf(intent);
  return fact === null ? { kind: 'unknown', reason: `intent_${intent.status}` } : { kind: 'fact', fact };
}

/** A question that was not answered leaves everything as unknown as it was, unless the provider said when to ask again. */
function blind(answer: Exclude<Answer<unknown>, { kind: 'ok' }>): Finding {
  return answer.kind === 'later' ? answer : { kind: 'unknown', reason: `look_${answer.reason}` };
}

function failed(answer: Exclude<Answer<unknown>, { kind: 'ok' }>, factFor: (reason: string) => Fact): Finding {
  if (answer.kind === 'later' || answer.kind === 'unknown') return answer;
  return { kind: 'fact', fact: factFor(answer.reason) };
}
