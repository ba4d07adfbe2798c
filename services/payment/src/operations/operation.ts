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
  /** Charges by which earlier attempts failed: an intent's last error may be one of them. */
  readonly formerCharges: readonly string[];
}

export type OperationKind = 'create' | 'confirm' | 'capture' | 'cancel' | 'refund';

/** Longest pause between two looks at an open outcome. */
export const MAX_LOOK_PAUSE_MS = 20_000;
/** How often an attempt that the provider or the customer is still busy with is looked at, in case no callback comes. */
export const OPEN_LOOK_PAUSE_MS = 3_000;

/** Pause before the next look at an unknown outcome: the first one, then twice as long each time, at most 20 s. */
export function lookPauseMs(firstLookMs: number, tries: number): number {
  return Math.min(MAX_LOOK_PAUSE_MS, firstLookMs * 2 ** Math.min(Math.max(tries - 1, 0), 10));
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
  refund: (refundId: Id<'rfd'>) => refundId,
};
