import { z } from 'zod';
import { invalid, noSuch, refuse, unexpectedState, type Answer } from './answers.ts';
import { newId, randomText } from './ids.ts';
import type { Draft } from './draft.ts';
import type { Charge, PaymentIntent } from './objects.ts';
import { amount, expand, flag, mergeMetadata, metadata, operation, type Call, type Operation } from './operation.ts';
import { behaviourOf, type LossyOperation } from './payment-methods.ts';
import { authoriseIntent, declineIntent } from './settle-intent.ts';
import { showCharge } from './show-charge.ts';
import type { World } from './world.ts';

const CONFIRMABLE = ['requires_payment_method', 'requires_confirmation', 'requires_action'];
const CANCELABLE = ['requires_payment_method', 'requires_capture', 'requires_confirmation', 'requires_action'];

const confirmFields = {
  payment_method: z.string().optional(),
  return_url: z.url().optional(),
  off_session: flag.optional(),
  expand,
};

const createIntent = operation({
  method: 'post',
  path: '/payment_intents',
  params: z.strictObject({
    ...confirmFields,
    amount,
    currency: z
      .string()
      .regex(/^[A-Za-z]{3}$/, 'Invalid currency')
      .toLowerCase(),
    capture_method: z.enum(['manual', 'automatic', 'automatic_async']).default('automatic'),
    confirm: flag.default(false),
    description: z.string().max(1000).optional(),
    metadata,
    payment_method_types: z.array(z.literal('card')).optional(),
    automatic_payment_methods: z
      .strictObject({ enabled: flag, allow_redirects: z.enum(['always', 'never']).optional() })
      .optional(),
  }),
  wait_ms: ({ params }) => (params.confirm ? confirmationTime(params.payment_method) : 0),
  execute(call) {
    const { draft, params } = call;
    const { payment_method } = params;
    if (payment_method !== undefined && !behaviourOf(payment_method)) return noSuchMethod(payment_method);
    if (params.confirm && payment_method === undefined) return methodMissing();
    const id = newId('pi');
    const intent: PaymentIntent = {
      id,
      object: 'payment_intent',
      amount: params.amount,
      amount_capturable: 0,
      amount_received: 0,
      canceled_at: null,
      cancellation_reason: null,
      capture_method: params.capture_method,
      client_secret: `${id}_secret_${randomText(24)}`,
      confirmation_method: 'automatic',
      created: draft.created,
      currency: params.currency,
      description: params.description ?? null,
      last_payment_error: null,
      latest_charge: null,
      livemode: false,
      metadata: mergeMetadata({}, params.metadata),
      next_action: null,
      payment_method: payment_method ?? null,
      payment_method_types: ['card'],
      status: payment_method === undefined ? 'requires_payment_method' : 'requires_confirmation',
    };
    draft.change.intents.push(intent);
    draft.effect('intent_created', intent, intent.amount);
    draft.event('payment_intent.created', intent, payment_method ?? null);
    if (params.confirm && payment_method !== undefined) return confirm(call, intent, payment_method);
    return show(call, intent);
  },
});

const retrieveIntent = operation({
  method: 'get',
  path: '/payment_intents/:id',
  params: z.strictObject({ expand, client_secret: z.string().optional() }),
  execute: (call) => withIntent(call, (intent) => show(call, intent)),
});

const updateIntent = operation({
  method: 'post',
  path: '/payment_intents/:id',
  params: z.strictObject({
    amount: amount.optional(),
    description: z.string().max(1000).optional(),
    metadata,
    payment_method: z.string().optional(),
    expand,
  }),
  execute: (call) =>
    withIntent(call, (intent) => {
      const { params, draft } = call;
      const { payment_method } = params;
      if (payment_method !== undefined && !behaviourOf(payment_method)) return noSuchMethod(payment_method);
      const touchesMoney = params.amount !== undefined || payment_method !== undefined;
      if (touchesMoney && !CONFIRMABLE.includes(intent.status)) {
        return unexpectedState(intent, 'updated', CONFIRMABLE.join(', '));
      }
      const updated: PaymentIntent = {
        ...intent,
        amount: params.amount ?? intent.amount,
        description: params.description ?? intent.description,
        metadata: mergeMetadata(intent.metadata, params.metadata),
        payment_method: payment_method ?? intent.payment_method,
        status: payment_method === undefined ? intent.status : 'requires_confirmation',
      };
      draft.change.intents.push(updated);
      draft.effect('intent_updated', updated, updated.amount);
      return show(call, updated);
    }),
});

const confirmIntent = operation({
  method: 'post',
  path: '/payment_intents/:id/confirm',
  params: z.strictObject(confirmFields),
  wait_ms: ({ world, params, id }) => confirmationTime(params.payment_method ?? world.intents.get(id)?.payment_method),
  execute: (call) =>
    withIntent(call, (intent) => {
      const payment_method = call.params.payment_method ?? intent.payment_method;
      if (!CONFIRMABLE.includes(intent.status)) return unexpectedState(intent, 'confirmed', CONFIRMABLE.join(', '));
      if (payment_method === null) return methodMissing();
      return confirm(call, intent, payment_method);
    }),
});

const captureIntent = operation({
  method: 'post',
  path: '/payment_intents/:id/capture',
  params: z.strictObject({ amount_to_capture: amount.optional(), metadata, expand }),
  execute: (call) =>
    withIntent(call, (intent) => {
      const { draft, params, world } = call;
      if (intent.status !== 'requires_capture') return unexpectedState(intent, 'captured', 'requires_capture');
      const captured = params.amount_to_capture ?? intent.amount_capturable;
      if (captured > intent.amount_capturable) {
        return invalid('The amount to capture is greater than the amount that was authorised.', {
          code: 'amount_too_large',
          param: 'amount_to_capture',
        });
      }
      const succeeded: PaymentIntent = {
        ...intent,
        status: 'succeeded',
        amount_capturable: 0,
        amount_received: captured,
        metadata: mergeMetadata(intent.metadata, params.metadata),
      };
      const charge = chargeOf(world, intent);
      if (charge) draft.change.charges.push({ ...charge, captured: true, amount_captured: captured });
      draft.change.intents.push(succeeded);
      draft.effect('captured', succeeded, captured);
      draft.event('payment_intent.succeeded', succeeded, intent.payment_method);
      loseAnswer(call, 'capture', intent.payment_method);
      return show(call, succeeded);
    }),
});

const cancelIntent = operation({
  method: 'post',
  path: '/payment_intents/:id/cancel',
  params: z.strictObject({
    cancellation_reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned']).optional(),
    expand,
  }),
  execute: (call) =>
    withIntent(call, (intent) => {
      const { draft } = call;
      if (!CANCELABLE.includes(intent.status)) return unexpectedState(intent, 'canceled', CANCELABLE.join(', '));
      const canceled: PaymentIntent = {
        ...intent,
        status: 'canceled',
        amount_capturable: 0,
        canceled_at: draft.created,
        cancellation_reason: call.params.cancellation_reason ?? null,
        next_action: null,
      };
      draft.change.intents.push(canceled);
      draft.effect('cancelled', canceled, intent.amount_capturable);
      draft.event('payment_intent.canceled', canceled, intent.payment_method);
      loseAnswer(call, 'cancel', intent.payment_method);
      return show(call, canceled);
    }),
});

/** The card network lets an authorisation lapse; nobody asked for it. */
export function cancelByProvider(draft: Draft, intent: PaymentIntent): Draft {
  const canceled: PaymentIntent = {
    ...intent,
    status: 'canceled',
    amount_capturable: 0,
    canceled_at: draft.created,
    cancellation_reason: 'automatic',
    next_action: null,
  };
  draft.change.intents.push(canceled);
  draft.effect('cancelled', canceled, intent.amount_capturable, { reason: 'lapsed' });
  draft.event('payment_intent.canceled', canceled, intent.payment_method);
  return draft;
}

export const intentOperations: readonly Operation[] = [
  createIntent,
  confirmIntent,
  captureIntent,
  cancelIntent,
  updateIntent,
  retrieveIntent,
];

function confirm(call: Call<{ return_url?: string | undefined }>, intent: PaymentIntent, method: string): Answer {
  const { draft } = call;
  const behaviour = behaviourOf(method);
  if (!behaviour) return noSuchMethod(method);
  loseAnswer(call, 'confirm', method);
  const confirmed: PaymentIntent = { ...intent, payment_method: method, last_payment_error: null, next_action: null };

  if (behaviour.settle_after_ms !== undefined) {
    const processing: PaymentIntent = { ...confirmed, status: 'processing' };
    draft.change.intents.push(processing);
    draft.change.settlements.push({
      payment_intent: intent.id,
      payment_method: method,
      idempotency_key: draft.cause.idempotency_key,
      due: draft.cause.now_ms + behaviour.settle_after_ms,
    });
    draft.effect('processing', processing, intent.amount);
    draft.event('payment_intent.processing', processing, method);
    return show(call, processing);
  }
  if (behaviour.outcome === 'requires_action') {
    const url = `${call.base_url}/simulator/authenticate/${intent.id}`;
    const waiting: PaymentIntent = {
      ...confirmed,
      status: 'requires_action',
      next_action: { type: 'redirect_to_url', redirect_to_url: { url, return_url: call.params.return_url ?? null } },
    };
    draft.change.intents.push(waiting);
    draft.effect('requires_action', waiting, intent.amount);
    draft.event('payment_intent.requires_action', waiting, method);
    return show(call, waiting);
  }
  if (behaviour.outcome === 'authorised') return show(call, authoriseIntent(draft, confirmed, method));
  const declined = declineIntent(draft, confirmed, method, behaviour.outcome);
  return refuse(402, { ...declined.error, payment_intent: declined.intent });
}

function confirmationTime(payment_method: string | null | undefined): number {
  return (payment_method && behaviourOf(payment_method)?.answer_after_ms) || 0;
}

export function loseAnswer(
  call: Pick<Call<unknown>, 'draft'>,
  of: LossyOperation,
  payment_method: string | null,
): void {
  const lost = payment_method === null ? undefined : behaviourOf(payment_method)?.lost_answer;
  if (lost?.of === of) call.draft.lost_answer = lost.as;
}

function withIntent(call: Call<unknown>, then: (intent: PaymentIntent) => Answer): Answer {
  const intent = call.world.intents.get(call.id);
  return intent ? then(intent) : noSuch('payment_intent', call.id, 'intent');
}

function show(call: Call<unknown>, intent: PaymentIntent): Answer {
  const { expand: wanted } = call.params as { expand?: string[] };
  if (!wanted?.some((path) => path.startsWith('latest_charge'))) return { status: 200, body: intent };
  // The charge of this very operation is in the draft only.
  const drafted = call.draft.change.charges.find((charge) => charge.id === intent.latest_charge);
  const charge = drafted ?? chargeOf(call.world, intent);
  return { status: 200, body: { ...intent, latest_charge: charge ? showCharge(charge, wanted) : null } };
}

export function chargeOf(world: World, intent: PaymentIntent): Charge | undefined {
  return intent.latest_charge === null ? undefined : world.charges.get(intent.latest_charge);
}

function noSuchMethod(payment_method: string): Answer {
  return noSuch('PaymentMethod', payment_method, 'payment_method', 400);
}

function methodMissing(): Answer {
  return invalid('You cannot confirm this PaymentIntent because it is missing a payment method.', {
    code: 'parameter_missing',
    param: 'payment_method',
  });
}
