import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { PAYMENT_STATUSES } from './bookings.ts';
import { amount, currency, humanText, id, instant } from './common.ts';

export const paymentListQuery = z.strictObject({ ...pageQuery, booking_id: id('bkg') });

export const ATTEMPT_STATUSES = [
  'PENDING',
  'REQUIRES_ACTION',
  'PROCESSING',
  'AUTHORIZED',
  'CAPTURED',
  'VOIDED',
  'DECLINED',
  'UNKNOWN',
] as const;

export const paymentAttempt = z.object({
  number: z.number().int(),
  status: z.enum(ATTEMPT_STATUSES),
  payment_method: z.string(),
  decline_reason: z.string().nullable(),
  created_at: instant,
  updated_at: instant,
});

export const payment = z
  .object({
    id: id('pay'),
    object: z.literal('payment'),
    booking_id: id('bkg'),
    status: z.enum(PAYMENT_STATUSES),
    amount,
    currency,
    provider: z.string(),
    provider_reference: z.string().nullable(),
    attempts: z.array(paymentAttempt),
    refunds: z.array(z.object({ id: id('rfd'), status: z.string(), amount, currency, created_at: instant })),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Payment' });
export type PaymentJson = z.input<typeof payment>;

/** Minor units of any size: what is not positive gets a code of its own, not that of a wrong field. */
const wishedAmount = z.number().int().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/** An operator's refund: minor units, of the payment's currency unless the currency is named. */
export const refundBody = z
  .strictObject({
    amount: z.union([wishedAmount, z.strictObject({ amount: wishedAmount, currency })]),
    reason: humanText(1, 500),
  })
  .transform(({ amount: wish, reason }) =>
    typeof wish === 'number' ? { amount: wish, currency: null, reason } : { ...wish, reason },
  )
  .meta({ id: 'RefundRequest' });

export const refund = z
  .object({
    id: id('rfd'),
    object: z.literal('refund'),
    payment_id: id('pay'),
    status: z.enum(['PENDING', 'SUCCEEDED', 'FAILED']),
    amount,
    currency,
    reason: z.string(),
    created_at: instant,
  })
  .meta({ id: 'Refund' });

export const webhookReceived = z.object({ received: z.literal(true) }).meta({ id: 'WebhookReceived' });
