import type { ProviderFee } from '../payments/payment.ts';

/**
 * The one true port of this service: what it needs of a payment provider that can authorise first and capture later. Amounts are
 * minor units, currencies ISO codes in capitals. No method throws for what a provider may answer or fail to answer.
 */
export interface Provider {
  readonly name: string;
  /** Makes an intent that nothing has been charged to yet. */
  createIntent(request: CreateIntent): Promise<Answer<Intent>>;
  /** Tries to authorise the intent with a payment method. */
  confirmIntent(request: { reference: string; paymentMethod: string; key: string }): Promise<Answer<Intent>>;
  captureIntent(request: { reference: string; amount: bigint; key: string }): Promise<Answer<Intent>>;
  cancelIntent(request: { reference: string; key: string }): Promise<Answer<Intent>>;
  retrieveIntent(reference: string): Promise<Answer<Intent>>;
  refund(request: RefundIntent): Promise<Answer<ProviderRefund>>;
  /** The refund of the intent that carries our id, or null when the provider has none. */
  findRefund(reference: string, refundId: string): Promise<Answer<ProviderRefund | null>>;
  /** One page of the intents that were made from `from` on and before `to`; `after` is the `next` of the page before. */
  listIntents(request: { from: Date; to: Date; after: string | null }): Promise<Answer<IntentPage>>;
}

export interface IntentPage {
  readonly intents: readonly ListedIntent[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** An intent of the provider's books, with our ids as its metadata carries them. */
export interface ListedIntent extends Intent {
  readonly paymentId: string | null;
  readonly bookingId: string | null;
  readonly amountRefunded: bigint;
}

export interface CreateIntent {
  readonly paymentId: string;
  readonly bookingId: string;
  readonly description: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly key: string;
}

export interface RefundIntent {
  readonly reference: string;
  readonly refundId: string;
  readonly paymentId: string;
  readonly amount: bigint;
  readonly key: string;
}

/** An intent as far as we read it. */
export interface Intent {
  readonly reference: string;
  /** `open`: nothing under way; `failure` tells whether an attempt failed. */
  readonly status: 'open' | 'requires_action' | 'processing' | 'authorised' | 'captured' | 'canceled';
  readonly currency: string;
  readonly amount: bigint;
  readonly amountCapturable: bigint;
  readonly amountCaptured: bigint;
  readonly redirectUrl: string | null;
  readonly failure: Failure | null;
  /** What the provider kept of the capture, once it tells; callbacks and some answers do not. */
  readonly fee: ProviderFee | null;
}

export interface Failure {
  readonly reason: string;
  /** The provider's id of the failed charge, when it names one. */
  readonly charge: string | null;
}

export interface ProviderRefund {
  readonly reference: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly amount: bigint;
  readonly currency: string;
  readonly failureReason: string | null;
}

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** The payment method was turned down. */
  | ({ readonly kind: 'declined' } & Failure)
  /** The request cannot succeed as it is, and nothing happened. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The intent is in another state than the request needs: look at it. */
  | { readonly kind: 'wrong_state'; readonly reason: string }
  /** Not carried out now; the same request may be sent again after the delay. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly reason: string }
  /** Carried out or not: nobody knows. Timeouts, resets and every 5xx. */
  | { readonly kind: 'unknown'; readonly reason: string };
