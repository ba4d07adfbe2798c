import type { Draft } from './draft.ts';
import { newId } from './ids.ts';
import type { Charge, ErrorBody, PaymentIntent } from './objects.ts';
import { behaviourOf, type Decline } from './payment-methods.ts';
import type { Settlement, World } from './world.ts';

/** The card network's yes: the money is reserved, and taken at once unless capture is manual. */
export function authoriseIntent(draft: Draft, intent: PaymentIntent, payment_method: string): PaymentIntent {
  const manual = intent.capture_method === 'manual';
  const charge = newCharge(draft, intent, payment_method, undefined);
  const authorised: PaymentIntent = {
    ...intent,
    status: manual ? 'requires_capture' : 'succeeded',
    amount_capturable: manual ? intent.amount : 0,
    amount_received: manual ? 0 : intent.amount,
    latest_charge: charge.id,
    last_payment_error: null,
    next_action: null,
    payment_method,
  };
  draft.change.charges.push(manual ? charge : { ...charge, captured: true, amount_captured: intent.amount });
  draft.change.intents.push(authorised);
  draft.effect('authorised', authorised, intent.amount);
  if (manual) {
    draft.event('payment_intent.amount_capturable_updated', authorised, payment_method);
  } else {
    draft.effect('captured', authorised, intent.amount);
    draft.event('payment_intent.succeeded', authorised, payment_method);
  }
  return authorised;
}

/** The card network's no: the intent waits for another payment method. */
export function declineIntent(
  draft: Draft,
  intent: PaymentIntent,
  payment_method: string,
  decline: Decline,
): { intent: PaymentIntent; error: ErrorBody } {
  const charge = newCharge(draft, intent, payment_method, decline);
  const error: ErrorBody = { type: 'card_error', ...decline, charge: charge.id };
  const declined: PaymentIntent = {
    ...intent,
    status: 'requires_payment_method',
    latest_charge: charge.id,
    last_payment_error: error,
    next_action: null,
    payment_method: null,
  };
  draft.change.charges.push(charge);
  draft.change.intents.push(declined);
  draft.effect('declined', declined, intent.amount, { payment_method, reason: decline.decline_code });
  draft.event('payment_intent.payment_failed', declined, payment_method);
  return { intent: declined, error };
}

/** Makes the outcome of a `processing` intent true. Does nothing where the intent has moved on. */
export function settleIntent(world: World, settlement: Settlement, draft: Draft): void {
  draft.change.settlements.push({ ...settlement, due: 0 });
  const intent = world.intents.get(settlement.payment_intent);
  if (intent?.status !== 'processing') return;
  const outcome = behaviourOf(settlement.payment_method)?.outcome;
  if (typeof outcome === 'object') declineIntent(draft, intent, settlement.payment_method, outcome);
  else authoriseIntent(draft, intent, settlement.payment_method);
}

function newCharge(draft: Draft, intent: PaymentIntent, payment_method: string, decline: Decline | undefined): Charge {
  return {
    id: newId('ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    captured: false,
    created: draft.created,
    currency: intent.currency,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    livemode: false,
    metadata: intent.metadata,
    paid: decline === undefined,
    payment_intent: intent.id,
    payment_method,
    refunded: false,
    status: decline === undefined ? 'succeeded' : 'failed',
  };
}
