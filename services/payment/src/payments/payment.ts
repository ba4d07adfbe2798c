import type { ATTEMPT_STATUSES } from '@holdfast/shared/contracts/payments';
import type { PaymentStatus } from '@holdfast/shared/contracts/bookings';

/**
 * The rules of one payment, pure. Facts come from two sides, as answers to our calls and as callbacks, late, twice and in any
 * order; each rule only ever moves forward, so the order in which facts arrive does not change where a payment ends.
 */

export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

export interface AttemptState {
  readonly number: number;
  readonly status: AttemptStatus;
  /** The provider's charge of a declined attempt. */
  readonly charge: string | null;
}

/** `requested` to `failed` are steps of the one capture that a payment gets. */
export type CaptureState = 'none' | 'requested' | 'unknown' | 'failed' | 'done';

export interface PaymentState {
  readonly amount: bigint;
  readonly currency: string;
  /** In the order of their numbers; at least one. */
  readonly attempts: readonly AttemptState[];
  readonly capture: CaptureState;
  readonly capturedAmount: bigint;
  readonly refundedAmount: bigint;
  readonly voidRequested: boolean;
  /** The void that was asked for gives way to an authorisation: the hold ran out, and the customer may have paid all the same. */
  readonly voidUnlessPaid: boolean;
  readonly voided: boolean;
  /** What differed, when an outcome was not about our amount and currency. */
  readonly mismatch: string | null;
}

/** What the provider kept of a capture, in minor units of the currency in which it pays out. */
export interface ProviderFee {
  readonly reference: string;
  readonly amount: bigint;
  readonly currency: string;
}

/** What is known about an attempt. `capture_failed` only ever comes from our own call. */
export type Fact =
  | { readonly kind: 'requires_action'; readonly redirectUrl: string }
  | { readonly kind: 'processing' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'authorised'; readonly amount: bigint; readonly currency: string }
  | { readonly kind: 'declined'; readonly reason: string; readonly charge: string | null }
  | { readonly kind: 'captured'; readonly amount: bigint; readonly currency: string; readonly fee?: ProviderFee | null }
  | { readonly kind: 'capture_failed'; readonly reason: string }
  | { readonly kind: 'voided' };

/** What the booking service is told about it; each of them once for an attempt. */
export type Announcement =
  | { readonly name: 'authorised' | 'captured' | 'processing' | 'unknown' | 'voided' }
  | { readonly name: 'requires_action'; readonly redirectUrl: string }
  | { readonly name: 'declined' | 'capture_failed'; readonly reason: string };

export type Decision =
  | {
      readonly kind: 'changed';
      readonly state: PaymentState;
      readonly attempt: number;
      readonly announce: Announcement | null;
    }
  /** Somebody else brought this fact, or a later one, first. */
  | { readonly kind: 'already' }
  /** Not our amount or currency: the state notes it and nothing is announced as money. */
  | {
      readonly kind: 'mismatch';
      readonly state: PaymentState;
      readonly attempt: number;
      readonly announce: Announcement | null;
    };

/** Where an attempt may go from each status. DECLINED after VOIDED is a late callback about what happened before. */
const FORWARD: Record<AttemptStatus, readonly AttemptStatus[]> = {
  PENDING: ['UNKNOWN', 'REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED'],
  UNKNOWN: ['REQUIRES_ACTION', 'PROCESSING', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED'],
  REQUIRES_ACTION: ['PROCESSING', 'AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED'],
  PROCESSING: ['AUTHORIZED', 'DECLINED', 'CAPTURED', 'VOIDED'],
  AUTHORIZED: ['CAPTURED', 'VOIDED'],
  VOIDED: ['DECLINED'],
  DECLINED: [],
  CAPTURED: [],
};

/**
 * Decides what a fact does. `attempt` is the number that a call was made for; null for a callback, which names none: it is about
 * the latest attempt, except a decline whose charge an earlier attempt is known by.
 */
export function applyFact(state: PaymentState, fact: Fact, attempt: number | null): Decision {
  const target = findAttempt(state, fact, attempt);
  switch (fact.kind) {
    case 'requires_action':
      return move(state, target, 'REQUIRES_ACTION', { name: 'requires_action', redirectUrl: fact.redirectUrl });
    case 'processing':
      return move(state, target, 'PROCESSING', { name: 'processing' });
    case 'unknown':
      return becomeUnknown(state, target);
    case 'authorised':
      return differs(state, target, fact) ?? authorise(state, target);
    case 'declined':
      return decline(state, target, fact);
    case 'captured':
      return differs(state, target, fact) ?? capture(state, target, fact.amount);
    case 'capture_failed':
      if (state.capture !== 'requested' && state.capture !== 'unknown') return { kind: 'already' };
      return changed({ ...state, capture: 'failed' }, target, { name: 'capture_failed', reason: fact.reason });
    case 'voided':
      return becomeVoided(state, target);
    default:
      return fact satisfies never;
  }
}

/** What the payment shows to its owner. */
export function statusOf(state: PaymentState): PaymentStatus {
  if (state.refundedAmount > 0n)
    return state.refundedAmount >= state.capturedAmount ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  if (state.capturedAmount > 0n) return 'CAPTURED';
  if (state.voided) return 'VOIDED';
  if (state.mismatch !== null || state.capture === 'unknown') return 'UNKNOWN';
  return state.attempts.at(-1)!.status;
}

/** Whether a new attempt may be made: nothing is open and no money is held. */
export function canAttempt(state: PaymentState): boolean {
  return !state.voidRequested && !state.voided && state.attempts.every((attempt) => attempt.status === 'DECLINED');
}

/** Why a refund of `amount` cannot be made, or null when it can. `reserved` is the sum of the refunds that have not failed. */
export function refundRefusal(
  payment: { capturedAmount: bigint; currency: string },
  reserved: bigint,
  refund: { amount: bigint; currency: string },
): 'not_captured' | 'currency_differs' | 'refund_exceeds_captured' | null {
  if (refund.currency !== payment.currency) return 'currency_differs';
  if (payment.capturedAmount === 0n) return 'not_captured';
  return reserved + refund.amount > payment.capturedAmount ? 'refund_exceeds_captured' : null;
}

/**
 * How much of a refund that the saga asks for is still to be made. What operators paid back before is no longer there to give, so
 * the refund gives way to it; anything else that exceeds the capture stays as it was asked, and is refused.
 */
export function refundLeft(asked: bigint, capturedAmount: bigint, reserved: bigint, byOperators: bigint): bigint {
  const left = capturedAmount - reserved;
  return asked > left && asked <= left + byOperators ? left : asked;
}

function findAttempt(state: PaymentState, fact: Fact, attempt: number | null): AttemptState {
  const latest = state.attempts.at(-1);
  if (latest === undefined) throw new Error('a payment has at least one attempt');
  if (attempt !== null) return state.attempts.find((each) => each.number === attempt) ?? latest;
  if (fact.kind === 'declined' && fact.charge !== null) {
    return state.attempts.find((each) => each.charge === fact.charge) ?? latest;
  }
  return latest;
}

function changed(state: PaymentState, target: AttemptState, announce: Announcement | null): Decision {
  return { kind: 'changed', state, attempt: target.number, announce };
}

function withAttempt(state: PaymentState, target: AttemptState, change: Partial<AttemptState>): PaymentState {
  return {
    ...state,
    attempts: state.attempts.map((each) => (each.number === target.number ? { ...each, ...change } : each)),
  };
}

/** Moves the attempt. Once a void is asked for, the booking service waits for `voided` alone and other news would mislead it. */
function move(state: PaymentState, target: AttemptState, to: AttemptStatus, announcement: Announcement): Decision {
  if (!FORWARD[target.status].includes(to)) return { kind: 'already' };
  return changed(
    withAttempt(state, target, { status: to }),
    target,
    state.voidRequested || state.voided ? null : announcement,
  );
}

/** An authorisation ends a void that was to give way to it: from here on the saga decides again. */
function authorise(state: PaymentState, target: AttemptState): Decision {
  const open = state.voidUnlessPaid ? { ...state, voidRequested: false, voidUnlessPaid: false } : state;
  return move(open, target, 'AUTHORIZED', { name: 'authorised' });
}

function becomeUnknown(state: PaymentState, target: AttemptState): Decision {
  if (state.capture === 'requested' && target.status === 'AUTHORIZED') {
    return changed({ ...state, capture: 'unknown' }, target, state.voidRequested ? null : { name: 'unknown' });
  }
  return move(state, target, 'UNKNOWN', { name: 'unknown' });
}

function decline(state: PaymentState, target: AttemptState, fact: Fact & { kind: 'declined' }): Decision {
  const decision = move(state, target, 'DECLINED', { name: 'declined', reason: fact.reason });
  if (decision.kind !== 'changed') return decision;
  return { ...decision, state: withAttempt(decision.state, target, { charge: fact.charge }) };
}

function capture(state: PaymentState, target: AttemptState, amount: bigint): Decision {
  if (state.capturedAmount > 0n || state.voided) return { kind: 'already' };
  const captured = withAttempt(state, target, { status: 'CAPTURED' });
  // Announced also when a void is asked for: money has moved, and only a refund brings it back.
  return changed({ ...captured, capture: 'done', capturedAmount: amount }, target, { name: 'captured' });
}

function becomeVoided(state: PaymentState, target: AttemptState): Decision {
  if (state.voided || state.capturedAmount > 0n) return { kind: 'already' };
  const open = target.status !== 'DECLINED';
  const next = { ...(open ? withAttempt(state, target, { status: 'VOIDED' as const }) : state), voided: true };
  // The provider gave the authorisation up by itself while we meant to capture: that is what the saga waits to hear.
  if (!state.voidRequested && (state.capture === 'requested' || state.capture === 'unknown')) {
    return changed({ ...next, capture: 'failed' }, target, {
      name: 'capture_failed',
      reason: 'authorisation_canceled',
    });
  }
  return changed(next, target, { name: 'voided' });
}

function differs(
  state: PaymentState,
  target: AttemptState,
  fact: { kind: string; amount: bigint; currency: string },
): Decision | null {
  // A payment once in doubt stays so until a person has looked, whichever outcome comes next.
  if (state.mismatch !== null) return { kind: 'already' };
  if (fact.amount === state.amount && fact.currency === state.currency) return null;
  const mismatch = `${fact.kind} ${fact.amount} ${fact.currency} instead of ${state.amount} ${state.currency}`;
  const noted = { ...state, mismatch };
  const unknown = move(noted, target, 'UNKNOWN', { name: 'unknown' });
  if (unknown.kind !== 'changed') return { kind: 'mismatch', state: noted, attempt: target.number, announce: null };
  return { ...unknown, kind: 'mismatch' };
}
