import type { BookingId, Id, PaymentId } from '@holdfast/shared/ids';

/** One call to the provider that was decided and committed, and what is needed to make it. */
export interface Operation {
  readonly id: Id<'opr'>;
  readonly paymentId: PaymentId;
  readonly bookingId: BookingId;
  readonly kind: OperationKind;
  readonly attempt: number | null;
  readonly refundId: Id<'rfd'> | null;
  /** As it is sent, with its generation. */
  readonly idempotencyKey: string;
  /** LOOK: sent before, outcome unknown or open; ask first, send again only when it was not carried out. */
  readonly mode: 'SEND' | 'LOOK';
  /** How often it was taken up, this time included. */
  readonly tries: number;
  /** The intent at the provider; null before `create` was answered. */
  readonly reference: string | null;
  readonly amount: bigint;
  readonly currency: string;
  readonly description: string;
  readonly paymentMethod: string | null;
  readonly refundAmount: bigint | null;
  /** A cancellation that leaves an authorisation standing. */
  readonly unlessPaid: boolean;
  /** Charges by which earlier attempts failed: an intent's last error may be one of them. */
  readonly formerCharges: readonly string[];
}

export type OperationKind = 'create' | 'confirm' | 'capture' | 'cancel' | 'refund';

/** Longest pause between two looks at an open outcome. */
export const MAX_LOOK_PAUSE_MS = 20_000;
/** How often an attempt that the provider or the customer is still busy with is looked at, in case no callback comes. */
export const OPEN_LOOK_PAUSE_MS = 3_000;

/** Longest time that is added to a delay which the provider, or the state of the intent, demands. */
const MAX_SPREAD_MS = 5_000;
/** Least pause of a look that chance would send at once. */
const LEAST_LOOK_PAUSE_MS = 250;

/** Why operations are put off that wait for nothing but the provider's return. */
export const UNKNOWN_OUTCOME = 'unknown';

/**
 * Pause before the next look at an unknown outcome: the first one exactly; then full jitter (anything up to the bound, by `random`
 * from 0 to 1) under a bound that doubles up to 20 s, so that what became unknown together does not come back together.
 */
export function lookPauseMs(firstLookMs: number, tries: number, random: () => number): number {
  const boundMs = Math.min(MAX_LOOK_PAUSE_MS, firstLookMs * 2 ** Math.min(Math.max(tries - 1, 0), 10));
  if (tries <= 1) return boundMs;
  return Math.max(Math.min(LEAST_LOOK_PAUSE_MS, boundMs), Math.round(random() * boundMs));
}

/** Pause before the same request again: never less than `delayMs`, spread after it, the more the oftener it was tried. */
export function retryPauseMs(delayMs: number, tries: number, random: () => number): number {
  return delayMs + Math.round(random() * Math.min(MAX_SPREAD_MS, 250 * 2 ** Math.min(tries, 10)));
}

/** The key as the provider gets it. */
export function sentKey(key: string, generation: number): string {
  return generation === 1 ? key : `${key}/g${generation}`;
}

/** Keys are made of our ids, so a second process that repeats an operation repeats its key as well. */
export const keyOf = {
  create: (paymentId: PaymentId) => `${paymentId}/create`,
  confirm: (paymentId: PaymentId, attempt: number) => `${paymentId}/confirm/${attempt}`,
  capture: (paymentId: PaymentId, attempt: number) => `${paymentId}/capture/${attempt}`,
  cancel: (paymentId: PaymentId) => `${paymentId}/cancel`,
  cancelUnpaid: (paymentId: PaymentId) => `${paymentId}/cancel-unpaid`,
  refund: (refundId: Id<'rfd'>) => refundId,
};
