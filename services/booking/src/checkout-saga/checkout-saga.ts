import type { BookingStatus } from '@holdfast/shared/contracts/bookings';

/**
 * The checkout saga as one table: state × message → what happens. Nothing here reads a clock or a database; apply-saga-message.ts
 * carries a decision out in one transaction, in which the undo of a step is written before the step is asked for.
 *
 *   pay ─▶ AUTHORISING ─authorised─▶ CAPTURING ─captured─▶ CONFIRMED
 *              │ declined ─▶ DECLINED (pay again) or FAILED
 *              │ cancelled ─▶ VOIDING ─voided─▶ VOIDED
 *              │                  │ captured after all ─▶ REFUNDING ─refunded─▶ REFUNDED
 *              └ expired ─▶ LAPSING ─voided─▶ VOIDED
 *                              │ authorised or captured after all: the places are taken again ─▶ CAPTURING or CONFIRMED,
 *                              └ or, where they are gone, the money goes back ─▶ VOIDING or REFUNDING
 *   CONFIRMED ─cancelled─▶ REFUNDING, or CLOSED where the policy keeps everything
 */
export const SAGA_STATES = [
  'AUTHORISING',
  'DECLINED',
  'CAPTURING',
  'CONFIRMED',
  'FAILED',
  'LAPSING',
  'VOIDING',
  'VOIDED',
  'REFUNDING',
  'REFUNDED',
  'CLOSED',
  'STUCK',
] as const;
export type SagaState = (typeof SAGA_STATES)[number];

export const SAGA_MESSAGES = [
  'authorised',
  'authorised_late',
  'declined',
  'declined_finally',
  'requires_action',
  'processing',
  'unknown',
  'captured',
  'captured_late',
  'captured_refundable',
  'captured_unrefundable',
  'capture_failed',
  'voided',
  'refunded',
  'refund_failed',
  'amount_differs',
  'hold_expired',
  'cancelled',
  'cancelled_unrefundable',
  'given_up',
  'given_up_ended',
] as const;
export type SagaMessage = (typeof SAGA_MESSAGES)[number];

/** What the payment service is asked for; `lapse` is a void that gives way to money of the customer's that has come all the same. */
export type SagaCommand = 'capture' | 'lapse' | 'void' | 'refund';

export interface SagaStep {
  readonly next: SagaState;
  /** Booking states passed through, in order; each is a transition with a history row. */
  readonly booking?: readonly BookingStatus[];
  /** Recorded before the command is sent: what takes this step back. */
  readonly undo?: 'void' | 'refund' | null;
  readonly command?: SagaCommand;
  /** Makes the hold unable to expire; together with `capture`. */
  readonly pin?: true;
  /** What happens to the claims in the same transaction; `retake` and `rebook` first take again what the expiry had freed. */
  readonly claims?: 'book' | 'release' | 'retake' | 'rebook';
  readonly announce?: 'confirmed' | 'cancelled' | 'expired' | 'failed';
  readonly outcome?: 'CONFIRMED' | 'DECLINED' | 'FAILED' | 'ABANDONED';
}

/** A message that tells nothing new in this state: an answer that came twice, late or out of order. */
export const IGNORE = 'ignore';
/** Only the payment's status on the booking changes. */
export const NOTE = 'note';

export type SagaDecision = SagaStep | typeof IGNORE | typeof NOTE;

const confirm: SagaStep = {
  next: 'CONFIRMED',
  booking: ['PAID', 'CONFIRMED'],
  undo: 'refund',
  claims: 'book',
  announce: 'confirmed',
  outcome: 'CONFIRMED',
};
const fail: SagaStep = {
  next: 'FAILED',
  booking: ['FAILED'],
  undo: null,
  claims: 'release',
  announce: 'failed',
  outcome: 'FAILED',
};
/** Captured, but the customer asked to cancel while it was: the booking is cancelled by its policy and never stands. */
const cancelCaptured: SagaStep = {
  next: 'REFUNDING',
  booking: ['PAID', 'CANCELLED'],
  undo: null,
  claims: 'release',
  announce: 'cancelled',
  command: 'refund',
  outcome: 'ABANDONED',
};
const closeCaptured: SagaStep = {
  next: 'CLOSED',
  booking: ['PAID', 'CANCELLED'],
  undo: null,
  claims: 'release',
  announce: 'cancelled',
  outcome: 'ABANDONED',
};
const refund: SagaStep = { next: 'REFUNDING', undo: null, command: 'refund' };
/**
 * The customer has paid after the hold ran out, and the same places (or, where the customer allowed it, equivalent ones) are free:
 * apply-saga-message.ts tells `authorised_late` from `authorised` by looking for them.
 */
const honourAuthorised: SagaStep = {
  next: 'CAPTURING',
  booking: ['PAYMENT_INITIATED'],
  undo: 'refund',
  pin: true,
  claims: 'retake',
  command: 'capture',
};
const honourCaptured: SagaStep = {
  ...confirm,
  booking: ['PAYMENT_INITIATED', 'PAID', 'CONFIRMED'],
  pin: true,
  claims: 'rebook',
};
/** Money of another amount than the price: nothing is done with it before a person has looked. */
const quarantine: SagaStep = { next: 'STUCK' };
/** An operator ends a checkout that does not come to an end by itself. */
const giveUp: SagaStep = {
  next: 'VOIDING',
  booking: ['FAILED'],
  undo: null,
  claims: 'release',
  announce: 'failed',
  command: 'void',
  outcome: 'FAILED',
};
const giveUpEnded: SagaStep = { next: 'VOIDING', undo: null, command: 'void', outcome: 'ABANDONED' };

const TABLE: Readonly<Record<SagaState, Partial<Record<SagaMessage, SagaDecision>>>> = {
  AUTHORISING: {
    authorised: { next: 'CAPTURING', undo: 'refund', pin: true, command: 'capture' },
    declined: { next: 'DECLINED', booking: ['HELD'], undo: null, outcome: 'DECLINED' },
    declined_finally: fail,
    requires_action: NOTE,
    processing: NOTE,
    unknown: NOTE,
    // A method that captures at once: its places are still held, so the booking stands.
    captured: { ...confirm, pin: true },
    // Whoever cancelled the intent at the provider: as good as a decline.
    voided: { next: 'DECLINED', booking: ['HELD'], undo: null, outcome: 'DECLINED' },
    hold_expired: {
      next: 'LAPSING',
      booking: ['EXPIRED'],
      undo: null,
      claims: 'release',
      announce: 'expired',
      command: 'lapse',
    },
    amount_differs: quarantine,
    given_up: giveUp,
    cancelled: {
      next: 'VOIDING',
      booking: ['CANCELLED'],
      undo: null,
      claims: 'release',
      announce: 'cancelled',
      command: 'void',
      outcome: 'ABANDONED',
    },
  },
  DECLINED: {
    // Taken all the same: the places are still held, so the booking stands.
    captured: { ...confirm, booking: ['PAYMENT_INITIATED', 'PAID', 'CONFIRMED'], pin: true },
    amount_differs: { ...quarantine, booking: ['CANCELLED'], claims: 'release', announce: 'cancelled' },
    // The hold itself expires and is cancelled like one without a payment; nothing is owed at the provider.
    hold_expired: { next: 'FAILED', booking: ['EXPIRED'], undo: null, claims: 'release', announce: 'expired' },
    cancelled: { next: 'FAILED', booking: ['CANCELLED'], undo: null, claims: 'release', announce: 'cancelled' },
  },
  CAPTURING: {
    captured: confirm,
    captured_refundable: cancelCaptured,
    captured_unrefundable: closeCaptured,
    // The outcome of the capture is awaited; apply-saga-message.ts keeps the wish on the booking.
    cancelled: NOTE,
    cancelled_unrefundable: NOTE,
    unknown: NOTE,
    processing: NOTE,
    capture_failed: {
      next: 'VOIDING',
      booking: ['FAILED'],
      undo: null,
      claims: 'release',
      announce: 'failed',
      command: 'void',
      outcome: 'FAILED',
    },
    // The provider gave the authorisation up before the capture came.
    voided: fail,
    amount_differs: quarantine,
    given_up: giveUp,
  },
  CONFIRMED: {
    cancelled: {
      next: 'REFUNDING',
      booking: ['CANCELLED'],
      undo: null,
      claims: 'release',
      announce: 'cancelled',
      command: 'refund',
    },
    cancelled_unrefundable: {
      next: 'CLOSED',
      booking: ['CANCELLED'],
      undo: null,
      claims: 'release',
      announce: 'cancelled',
    },
  },
  FAILED: {
    authorised: { next: 'VOIDING', undo: null, command: 'void' },
    authorised_late: honourAuthorised,
    captured: refund,
    captured_late: honourCaptured,
    amount_differs: quarantine,
  },
  // Whether the attempt has paid for the booking is open until this state is left, so the call that pays is not answered before.
  LAPSING: {
    authorised: { next: 'VOIDING', undo: null, command: 'void', outcome: 'ABANDONED' },
    authorised_late: honourAuthorised,
    captured: { ...refund, outcome: 'ABANDONED' },
    captured_late: honourCaptured,
    voided: { next: 'VOIDED', undo: null, outcome: 'ABANDONED' },
    // Nothing was authorised so far; the provider goes on being asked.
    declined: NOTE,
    declined_finally: NOTE,
    requires_action: NOTE,
    processing: NOTE,
    unknown: NOTE,
    amount_differs: quarantine,
    given_up_ended: giveUpEnded,
  },
  VOIDING: {
    voided: { next: 'VOIDED', undo: null },
    // Nothing was authorised, so nothing is left to void.
    declined: NOTE,
    declined_finally: NOTE,
    requires_action: NOTE,
    processing: NOTE,
    unknown: NOTE,
    authorised: NOTE,
    captured: refund,
    captured_late: honourCaptured,
    amount_differs: quarantine,
  },
  VOIDED: {
    captured: refund,
    captured_late: honourCaptured,
    amount_differs: quarantine,
  },
  REFUNDING: {
    refunded: { next: 'REFUNDED', booking: ['REFUNDED'], undo: null },
    // It is asked for again under another id, for as long as it takes: the customer's money is not ours.
    refund_failed: NOTE,
    unknown: NOTE,
  },
  REFUNDED: {},
  CLOSED: {},
  STUCK: {
    captured: NOTE,
    authorised: NOTE,
    voided: NOTE,
    // What is not pinned goes to others like any hold; the money is still for a person to look at.
    hold_expired: { next: 'STUCK', booking: ['EXPIRED'], claims: 'release', announce: 'expired', outcome: 'ABANDONED' },
    cancelled: {
      next: 'STUCK',
      booking: ['CANCELLED'],
      claims: 'release',
      announce: 'cancelled',
      outcome: 'ABANDONED',
    },
    given_up: giveUp,
    given_up_ended: giveUpEnded,
  },
};

/** What a message does in a state. Total: what the table does not name is ignored. */
export function decide(state: SagaState, message: SagaMessage): SagaDecision {
  return TABLE[state][message] ?? IGNORE;
}

/** States in which an answer of the payment service is awaited; each has the command that asks for it again. */
export const AWAITING: Readonly<Partial<Record<SagaState, 'authorise' | SagaCommand>>> = {
  AUTHORISING: 'authorise',
  CAPTURING: 'capture',
  LAPSING: 'lapse',
  VOIDING: 'void',
  REFUNDING: 'refund',
};

/** Seconds until an unanswered command is sent again: 15, 30, 60, then every 60. Sending again is harmless: the payment service knows the attempt. */
export function resendAfterSeconds(tries: number): number {
  return Math.min(60, 15 * 2 ** Math.min(tries, 2));
}

/** Seconds until a refund that the provider refused is asked for anew: 60, 120, 240 … up to an hour. */
export function retryRefundAfterSeconds(tries: number): number {
  return Math.min(3_600, 60 * 2 ** Math.min(tries, 6));
}

/** How long a step may take, in seconds, before it also stands in the attention list. It is asked for again all the while. */
export const STEP_DEADLINE_SECONDS = 600;

/** Attempts a booking gets; the decline of the last one is final (api.md, pay). */
export const MAX_PAYMENT_ATTEMPTS = 3;
