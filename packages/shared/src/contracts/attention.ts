import { z } from 'zod';
import { instant } from './common.ts';

export const ATTENTION_KINDS = [
  'saga_stuck',
  'saga_overdue',
  'payment_unknown',
  'payment_mismatch',
  'reconciliation_finding',
  'dead_letter',
  'outbox_delayed',
  'broker_full',
  'broker_advisory',
  'integrity',
  'service_unreachable',
] as const;

/** Something that a person should look at. */
export const attentionItem = z
  .object({
    kind: z.enum(ATTENTION_KINDS),
    service: z.string(),
    /** Id of what it is about: a booking, a payment, a dead letter, an intent of the provider; null where it is about the service. */
    id: z.string().nullable(),
    booking_id: z.string().nullable(),
    /** Since when it is so. */
    since: instant,
    detail: z.string(),
  })
  .meta({ id: 'AttentionItem' });
export type AttentionItem = z.input<typeof attentionItem>;

/** What one service answers; `counts` tell of more than the items show. */
export const serviceAttention = z.object({
  items: z.array(attentionItem),
  counts: z.partialRecord(z.enum(ATTENTION_KINDS), z.number().int()),
});
export type ServiceAttention = z.input<typeof serviceAttention>;

export const attention = z
  .object({
    object: z.literal('list'),
    data: z.array(attentionItem).meta({ description: 'longest first; at most 100 of a kind and service' }),
    has_more: z.boolean(),
    next_cursor: z.null(),
    counts: z.partialRecord(z.enum(ATTENTION_KINDS), z.number().int()),
    as_of: instant,
  })
  .meta({ id: 'Attention' });
export type AttentionJson = z.input<typeof attention>;
