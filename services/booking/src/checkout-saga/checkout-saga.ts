import type { BookingStatus } from '@holdfast/shared/contracts/bookings';

/**
 * The checkout saga as one table: state × message → what happens. Nothing here reads a clock or a database; apply-saga-message.ts
 * carries a decision out in one transaction, in which the undo of a step is written before the step is asked for.
 *
 *   pay ─▶ AUTHORISING ─authorised─▶ CAPTURING ─captured─▶ CONFIRMED
 *              │ declined ─▶ DECLINED (pay again) or FAILED
 *              │ expired / cancelled ─▶ VOIDING ─voided─▶ VOIDED
 *              └                         │ captured after all ─▶ REFUNDING ─refunded─▶ REFUNDED
 *   CONFIRMED ─cancelled─▶ REFUNDING, or CLOSED where the policy keeps everything
 */
export const SAGA_STATES = [
  'AUTHORISING',
  'DECLINED',
  'CAPTURING',
  'CONFIRMED',
  'FAILED',
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
  'declined',
  'declined_finally',
  'requires_action',
  'processing',
  'unknown',
  'captured',
  'captured_refundable',
  'captured_unrefundable',
  'capture_failed',
  'voided',
  'refunded',
  'hold_expired',
  'cancelled',
  'cancelled_unrefundable',
] as const;
export type SagaMessage = (typeof SAGA_MESSAGES)[number];

/** What the payment service is asked for. */
export type SagaCommand = 'capture' | 'void' | 'refund';

export interface SagaStep {
  readonly next: SagaState;
  /** Booking states passed through, in order; each is a transition with a history row. */
  readonly booking?: readonly BookingStatus[];
  /** Recorded before the command is sent: what takes this step back. */
  readonly undo?: 'void' | 'refund' | null;
  readonly command?: SagaCommand;
  /** Makes the hold unable to expire; together with `capture`. */
  readonly pin?: true;
  /** What happens to the claims in the same transaction. */
  readonly claims?: 'book' | 'release';
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
      next: 'VOIDING',
      booking: ['EXPIRED'],
      undo: null,
      claims: 'release',
      announce: 'expired',
      command: 'void',
      outcome: 'ABANDONED',
    },
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
    captured: refund,
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
  },
  VOIDED: {
    captured: refund,
  },
  REFUNDING: {
    refunded: { next: 'REFUNDED', booking: ['REFUNDED'], undo: null },
    unknown: NOTE,
  },
  REFUNDED: {},
  CLOSED: {},
  STUCK: {
    captured: NOTE,
    authorised: NOTE,
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
  VOIDING: 'void',
  REFUNDING: 'refund',
};

/** Seconds until an unanswered command is sent again: 15, 30, 60, then every 60. Sending again is harmless: the payment service knows the attempt. */
export function resendAfterSeconds(tries: number): number {
  return Math.min(60, 15 * 2 ** Math.min(tries, 2));
}

/** Tries after which a person has to look. */
export const STUCK_AFTER_TRIES = 20;

/** Attempts a booking gets; the decline of the last one is final (api.md, pay). */
export const MAX_PAYMENT_ATTEMPTS = 3;
