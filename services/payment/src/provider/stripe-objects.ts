import { z } from 'zod';
import type { ProviderFee } from '../payments/payment.ts';
import type { Intent, ListedIntent, ProviderRefund } from './provider.ts';

/** Stripe's objects as far as we read them, whether they come as an answer or inside a callback. */

const minorUnits = z
  .number()
  .int()
  .transform((value) => BigInt(value));
const code = z.string().transform((value) => value.toUpperCase());

/** A charge comes as its id, unless the call asked for the charge itself and for the transaction that paid it out. */
const chargeSchema = z.object({
  amount_refunded: minorUnits.default(0n),
  balance_transaction: z
    .union([z.string(), z.object({ id: z.string().min(1), fee: minorUnits, currency: code })])
    .nullish(),
});

const intentSchema = z.object({
  id: z.string().min(1),
  object: z.literal('payment_intent'),
  status: z.string(),
  amount: minorUnits,
  amount_capturable: minorUnits.default(0n),
  amount_received: minorUnits.default(0n),
  currency: code,
  metadata: z.record(z.string(), z.string()).default({}),
  last_payment_error: z
    .object({ code: z.string().optional(), decline_code: z.string().optional(), charge: z.string().optional() })
    .nullish(),
  next_action: z.object({ redirect_to_url: z.object({ url: z.string().nullable() }).nullish() }).nullish(),
  latest_charge: z.union([z.string(), chargeSchema]).nullish(),
});
type IntentObject = z.output<typeof intentSchema>;

const refundSchema = z.object({
  id: z.string().min(1),
  object: z.literal('refund'),
  status: z.string().nullable(),
  amount: minorUnits,
  currency: code,
  failure_reason: z.string().optional(),
  payment_intent: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

const INTENT_STATUS: Record<string, Intent['status']> = {
  requires_payment_method: 'open',
  requires_confirmation: 'open',
  requires_action: 'requires_action',
  processing: 'processing',
  requires_capture: 'authorised',
  succeeded: 'captured',
  canceled: 'canceled',
};

/** @throws Error when it is not a payment intent of a status that we know. */
export function toIntent(value: unknown): Intent {
  const intent = intentSchema.parse(value);
  const status = INTENT_STATUS[intent.status];
  if (status === undefined) throw new Error(`payment intent in unknown status ${intent.status}`);
  const failure = intent.last_payment_error;
  return {
    reference: intent.id,
    status,
    currency: intent.currency,
    amount: intent.amount,
    amountCapturable: intent.amount_capturable,
    amountCaptured: intent.amount_received,
    redirectUrl: intent.next_action?.redirect_to_url?.url ?? null,
    failure: failure
      ? { reason: failure.decline_code || failure.code || 'card_declined', charge: failure.charge ?? null }
      : null,
    fee: feeOf(intent),
  };
}

function feeOf({ latest_charge: charge }: IntentObject): ProviderFee | null {
  if (typeof charge !== 'object' || charge === null) return null;
  const transaction = charge.balance_transaction;
  if (typeof transaction !== 'object' || transaction === null) return null;
  return { reference: transaction.id, amount: transaction.fee, currency: transaction.currency };
}

/** An intent of a list that was asked for with its charges. @throws Error as above. */
export function toListedIntent(value: unknown): ListedIntent {
  const { metadata, latest_charge: charge } = intentSchema.parse(value);
  return {
    ...toIntent(value),
    paymentId: metadata['payment_id'] ?? null,
    bookingId: metadata['booking_id'] ?? null,
    amountRefunded: typeof charge === 'object' && charge !== null ? charge.amount_refunded : 0n,
  };
}

/** @throws Error when it is not a refund. */
export function toRefund(value: unknown): ProviderRefund {
  const refund = refundSchema.parse(value);
  return {
    reference: refund.id,
    status:
      refund.status === 'succeeded'
        ? 'succeeded'
        : refund.status === 'failed' || refund.status === 'canceled'
          ? 'failed'
          : 'pending',
    amount: refund.amount,
    currency: refund.currency,
    failureReason: refund.failure_reason ?? null,
  };
}

/** What a callback tells: an intent or a refund with our ids in its metadata, or nothing that concerns a payment. */
export type CallbackFact =
  | { readonly kind: 'intent'; readonly intent: Intent; readonly paymentId: string | null }
  | {
      readonly kind: 'refund';
      readonly refund: ProviderRefund;
      readonly intentReference: string | null;
      readonly refundId: string | null;
    }
  | { readonly kind: 'irrelevant' };

const eventSchema = z.object({
  type: z.string(),
  data: z.object({ object: z.object({ object: z.string() }).loose() }),
});

/** Reads a stored callback. @throws Error when it is of a kind that concerns us but cannot be read. */
export function readCallback(body: unknown): CallbackFact {
  const event = eventSchema.safeParse(body);
  if (!event.success) return { kind: 'irrelevant' };
  const { object } = event.data.data;
  if (event.data.type.startsWith('payment_intent.') && object.object === 'payment_intent') {
    return {
      kind: 'intent',
      intent: toIntent(object),
      paymentId: intentSchema.parse(object).metadata['payment_id'] ?? null,
    };
  }
  if (object.object === 'refund') {
    const { metadata, payment_intent: intentReference } = refundSchema.parse(object);
    return {
      kind: 'refund',
      refund: toRefund(object),
      intentReference: intentReference ?? null,
      refundId: metadata?.['refund_id'] ?? null,
    };
  }
  return { kind: 'irrelevant' };
}
