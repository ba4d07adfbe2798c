import { newId } from './ids.ts';
import type { EventType, PaymentIntent, Charge, Refund, StripeEvent } from './objects.ts';
import { behaviourOf } from './payment-methods.ts';
import { emptyChange, type Change, type Effect, type EffectKind } from './world.ts';

/** How long `pm_sim_webhook_reordered` holds back a callback, so that the next one overtakes it. */
const HELD_BACK_MS = 3000;
const HELD_BACK: readonly EventType[] = ['payment_intent.created', 'payment_intent.amount_capturable_updated'];

/** What caused a change: an API call, or nothing but time. */
export interface Cause {
  readonly now_ms: number;
  readonly api_version: string;
  readonly request_id: string | null;
  readonly idempotency_key: string | null;
}

/** Collects what one operation changes, before any of it is true. */
export class Draft {
  readonly change: Change = emptyChange();
  readonly cause: Cause;
  /** Set when the payment method wants the answer of this operation to go wrong. */
  lost_answer: 'dropped' | '500' | undefined;

  constructor(cause: Cause) {
    this.cause = cause;
  }

  /** Unix seconds, as Stripe's `created` fields have them. */
  get created(): number {
    return Math.floor(this.cause.now_ms / 1000);
  }

  effect(kind: EffectKind, intent: PaymentIntent, amount: number, more: Partial<Effect> = {}): void {
    this.change.effects.push({
      kind,
      booking_id: intent.metadata['booking_id'] ?? null,
      payment_intent: intent.id,
      amount,
      currency: intent.currency,
      payment_method: intent.payment_method,
      idempotency_key: this.cause.idempotency_key,
      request_id: this.cause.request_id,
      ...more,
    });
  }

  /** Records an event and plans its callback as `payment_method` wants it. */
  event(type: EventType, object: PaymentIntent | Charge | Refund, payment_method: string | null): void {
    const callbacks = payment_method === null ? undefined : behaviourOf(payment_method)?.callbacks;
    const event: StripeEvent = {
      id: newId('evt'),
      object: 'event',
      api_version: this.cause.api_version,
      created: this.created,
      data: { object },
      livemode: false,
      pending_webhooks: callbacks === 'never' ? 0 : 1,
      request: { id: this.cause.request_id, idempotency_key: this.cause.idempotency_key },
      type,
    };
    this.change.events.push(event);
    if (callbacks === 'never') return;
    const heldBack = callbacks === 'reordered' && HELD_BACK.includes(type);
    this.change.callbacks.push({
      event_id: event.id,
      copies: callbacks === 'duplicate' ? 2 : 1,
      attempts: 0,
      not_before: this.cause.now_ms + (heldBack ? HELD_BACK_MS : 0),
    });
  }
}
