/**
 * What each test payment method makes the simulator do. A new one is one more entry in `RULES`; the fields of `Behaviour` are
 * the whole vocabulary.
 */
export interface Behaviour {
  /** Where the confirmation ends, at once or after `settle_after_ms`. */
  readonly outcome: 'authorised' | 'requires_action' | Decline;
  /** Time before the confirmation is carried out and answered; the key counts as in use meanwhile. */
  readonly answer_after_ms?: number;
  /** The confirmation answers `processing`; the outcome follows after this time. */
  readonly settle_after_ms?: number;
  /** An effect whose answer goes wrong: the connection is dropped, or a stored 500 is given. The effect stands. */
  readonly lost_answer?: { readonly of: LossyOperation; readonly as: 'dropped' | '500' };
  readonly callbacks?: 'never' | 'duplicate' | 'reordered';
}

export interface Decline {
  readonly code: string;
  readonly decline_code: string;
  readonly message: string;
}

export type LossyOperation = 'confirm' | 'capture' | 'cancel' | 'refund';

const DECLINED: Decline = {
  code: 'card_declined',
  decline_code: 'generic_decline',
  message: 'Your card was declined.',
};

/** The time that a method with no time in its name takes from `processing` to its outcome. */
const DEFAULT_SETTLE_MS = 500;
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

const RULES: readonly [pattern: RegExp, behaviour: (...parts: (string | undefined)[]) => Behaviour][] = [
  [/^pm_card_visa$/, () => ({ outcome: 'authorised' })],
  [/^pm_card_mastercard$/, () => ({ outcome: 'authorised' })],
  [/^pm_card_chargeDeclined$/, () => ({ outcome: DECLINED })],
  [
    /^pm_card_chargeDeclinedInsufficientFunds$/,
    () => ({
      outcome: {
        code: 'card_declined',
        decline_code: 'insufficient_funds',
        message: 'Your card has insufficient funds.',
      },
    }),
  ],
  [/^pm_card_authenticationRequired$/, () => ({ outcome: 'requires_action' })],
  [
    /^pm_sim_(timeout|500)_applied(?:_(capture|cancel|refund))?$/,
    (kind, of) => ({
      outcome: 'authorised',
      lost_answer: { of: (of as LossyOperation | undefined) ?? 'confirm', as: kind === '500' ? '500' : 'dropped' },
    }),
  ],
  [/^pm_sim_slow_(\d{1,8})$/, (ms) => ({ outcome: 'authorised', answer_after_ms: bounded(ms, 1) })],
  [
    /^pm_sim_webhook_only_(\d{1,8})(_declined)?$/,
    (ms, declined) => ({ outcome: declined ? DECLINED : 'authorised', settle_after_ms: bounded(ms, 1) }),
  ],
  [/^pm_sim_webhook_never$/, () => ({ outcome: 'authorised', settle_after_ms: DEFAULT_SETTLE_MS, callbacks: 'never' })],
  [/^pm_sim_webhook_(duplicate|reordered)$/, (kind) => ({ outcome: 'authorised', callbacks: callbacksOf(kind) })],
  [
    /^pm_sim_late_success_(\d{1,5})$/,
    (seconds) => ({ outcome: 'authorised', settle_after_ms: bounded(seconds, 1000) }),
  ],
];

/** Returns undefined for a payment method that does not exist. */
export function behaviourOf(payment_method: string): Behaviour | undefined {
  for (const [pattern, behaviour] of RULES) {
    const match = pattern.exec(payment_method);
    if (match) return behaviour(...match.slice(1));
  }
  return undefined;
}

function bounded(digits: string | undefined, unit_ms: number): number {
  return Math.min(Number(digits) * unit_ms, MAX_WAIT_MS);
}

function callbacksOf(kind: string | undefined): 'duplicate' | 'reordered' {
  return kind === 'duplicate' ? 'duplicate' : 'reordered';
}
