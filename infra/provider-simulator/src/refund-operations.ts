import { z } from 'zod';
import { invalid, noSuch } from './answers.ts';
import { newId } from './ids.ts';
import { chargeOf, loseAnswer } from './intent-operations.ts';
import type { Charge, Refund } from './objects.ts';
import { amount, mergeMetadata, metadata, operation, type Operation } from './operation.ts';

const createRefund = operation({
  method: 'post',
  path: '/refunds',
  params: z.strictObject({
    payment_intent: z.string().optional(),
    charge: z.string().optional(),
    amount: amount.optional(),
    reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
    metadata,
  }),
  execute(call) {
    const { world, draft, params } = call;
    const id = params.payment_intent ?? world.charges.get(params.charge ?? '')?.payment_intent;
    if (id === undefined) {
      if (params.charge !== undefined) return noSuch('charge', params.charge, 'charge', 400);
      return invalid('One of the following params should be provided for this request: payment_intent or charge.');
    }
    const intent = world.intents.get(id);
    if (!intent) return noSuch('payment_intent', id, 'payment_intent', 400);
    const charge = chargeOf(world, intent);
    if (intent.status !== 'succeeded' || !charge) {
      return invalid(`This PaymentIntent (${id}) does not have a successful charge to refund.`, {
        code: 'payment_intent_unexpected_state',
        param: 'payment_intent',
      });
    }
    const left = charge.amount_captured - charge.amount_refunded;
    if (left === 0) {
      return invalid(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
    }
    const refunded = params.amount ?? left;
    if (refunded > left) {
      return invalid(`Refund amount (${refunded}) is greater than unrefunded amount on charge (${left})`, {
        param: 'amount',
      });
    }
    const refund: Refund = {
      id: newId('re'),
      object: 'refund',
      amount: refunded,
      charge: charge.id,
      created: draft.created,
      currency: intent.currency,
      metadata: mergeMetadata({}, params.metadata),
      payment_intent: intent.id,
      reason: params.reason ?? null,
      status: 'succeeded',
    };
    const refundedCharge: Charge = {
      ...charge,
      amount_refunded: charge.amount_refunded + refunded,
      refunded: refunded === left,
    };
    draft.change.refunds.push(refund);
    draft.change.charges.push(refundedCharge);
    draft.effect('refunded', intent, refunded, { refund: refund.id });
    draft.event('refund.created', refund, intent.payment_method);
    draft.event('charge.refunded', refundedCharge, intent.payment_method);
    loseAnswer(call, 'refund', intent.payment_method);
    return { status: 200, body: refund };
  },
});

const retrieveRefund = operation({
  method: 'get',
  path: '/refunds/:id',
  params: z.strictObject({}),
  execute({ world, id }) {
    const refund = world.refunds.get(id);
    return refund ? { status: 200, body: refund } : noSuch('refund', id, 'id');
  },
});

export const refundOperations: readonly Operation[] = [createRefund, retrieveRefund];
