import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { humanText, id, instant } from './common.ts';

/** What a webhook may tell of, with its meaning for readers of the documentation. */
export const WEBHOOK_EVENT_TYPES = {
  'booking.confirmed': 'It is paid, or was free: the places are booked and the customer has tickets',
  'booking.cancelled': 'It no longer stands; a refund that is due is on its way',
  'booking.expired': 'A hold ran out, or a wait was over, before it was paid',
  'booking.failed': 'The payment failed for good, or an occurrence of a series could not be held',
  'booking.rescheduled': 'Its event takes place at another time',
  'booking.offered': 'What was waited for is held until `hold_expires_at`',
  'booking.payment_due': 'An occurrence of a series is held and has to be paid until `pay_until`',
} as const;
export type WebhookEventType = keyof typeof WEBHOOK_EVENT_TYPES;

/** Sent by POST …/test alone; nobody subscribes to it. */
export const WEBHOOK_TEST_TYPE = 'webhook.test';

const eventTypes = z
  .array(z.enum(['*', ...(Object.keys(WEBHOOK_EVENT_TYPES) as WebhookEventType[])]))
  .min(1)
  .max(Object.keys(WEBHOOK_EVENT_TYPES).length + 1)
  .refine((types) => new Set(types).size === types.length, 'names a type twice')
  .meta({ description: '`*` stands for all types, those of later releases too' });

const url = z.string().min(1).max(2048).meta({
  format: 'uri',
  description: '`https`, to a public address, at port 443 or 8443 unless the operator allows others',
});
const description = humanText(1, 500);

export const createWebhookEndpointBody = z
  .strictObject({ url, event_types: eventTypes, description: description.optional() })
  .meta({ id: 'CreateWebhookEndpoint' });

export const webhookEndpointStatus = z.enum(['ENABLED', 'DISABLED']);

export const changeWebhookEndpointBody = z
  .strictObject({
    url: url.optional(),
    event_types: eventTypes.optional(),
    description: description.nullable().optional(),
    status: webhookEndpointStatus.optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'has nothing to change')
  .meta({ id: 'ChangeWebhookEndpoint' });

/** For calls that take no members. */
export const emptyBody = z.strictObject({});

export const webhookEndpointListQuery = z.strictObject(pageQuery);

export const webhookEndpoint = z
  .object({
    id: id('whk'),
    object: z.literal('webhook_endpoint'),
    url: z.string(),
    event_types: z.array(z.string()),
    description: z.string().nullable(),
    status: webhookEndpointStatus,
    disabled_reason: z.enum(['gone', 'by_admin']).nullable().meta({ description: '`gone`: it answered 410' }),
    disabled_at: instant.nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'WebhookEndpoint' });
export type WebhookEndpointJson = z.input<typeof webhookEndpoint>;

/** The answers that show a secret: of creation and of rotation. */
export const webhookEndpointWithSecret = webhookEndpoint
  .extend({
    secret: z.string().meta({ description: '`whsec_` and 32 bytes in base64. Shown in this answer and never again' }),
  })
  .meta({ id: 'WebhookEndpointWithSecret' });

export const webhookAttemptListQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(['SUCCEEDED', 'FAILED']).optional(),
});

export const webhookAttempt = z
  .object({
    id: id('att'),
    object: z.literal('webhook_attempt'),
    endpoint_id: id('whk'),
    event_id: z.string().meta({ description: 'the header `webhook-id`, the same at each attempt' }),
    event_type: z.string(),
    attempt: z.number().int().min(1),
    url: z.string(),
    status: z.enum(['SUCCEEDED', 'FAILED']),
    response_status: z.number().int().nullable(),
    response_body: z.string().nullable().meta({ description: 'its first 1,000 characters' }),
    error: z.string().nullable(),
    duration_ms: z.number().int(),
    delivery: z.object({
      status: z.enum(['DUE', 'SENDING', 'WAITING', 'SENT', 'DEAD', 'DROPPED']),
      next_attempt_at: instant.nullable(),
    }),
    created_at: instant,
  })
  .meta({ id: 'WebhookAttempt' });
export type WebhookAttemptJson = z.input<typeof webhookAttempt>;

/** What POST …/test and …/resend answer: the message is on its way. */
export const webhookDelivery = z
  .object({
    object: z.literal('webhook_delivery'),
    endpoint_id: id('whk'),
    event_id: z.string(),
    event_type: z.string(),
    status: z.enum(['DUE', 'SENDING', 'WAITING', 'SENT', 'DEAD', 'DROPPED']),
  })
  .meta({ id: 'WebhookDelivery' });
export type WebhookDeliveryJson = z.input<typeof webhookDelivery>;

/** The body of a webhook about a booking. No name, no address, no ticket: who needs them asks the API. */
export const webhookBookingData = z
  .object({
    booking_id: id('bkg'),
    reference: z.string(),
    user_id: id('usr'),
    sequence: z.number().int().min(1).meta({
      description: 'rises with each event of the booking; webhooks may overtake each other, this tells',
    }),
    inventory: z.enum(['slots', 'seats', 'pool']),
    title: z.string(),
    venue: z.string(),
    seats: z.array(z.string()),
    quantity: z.number().int(),
    starts_at: z.string(),
    ends_at: z.string(),
    time_zone: z.string(),
    price: z.object({ amount: z.number().int(), currency: z.string() }),
    series_id: id('ser').nullable(),
    hold_expires_at: z.string().optional(),
    pay_until: z.string().optional(),
    previous: z.object({ starts_at: z.string(), ends_at: z.string() }).optional(),
  })
  .meta({ id: 'WebhookBookingData' });
export type WebhookBookingData = z.input<typeof webhookBookingData>;

export interface WebhookPayload {
  readonly type: string;
  /** When it happened. */
  readonly timestamp: string;
  readonly data: WebhookBookingData | { readonly endpoint_id: string };
}
