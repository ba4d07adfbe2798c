import { z } from 'zod';
import { humanText, id, instant } from './common.ts';

export const rescheduleEventBody = z
  .strictObject({
    starts_at: instant,
    ends_at: instant,
    reason: humanText(10, 500),
    refund: z.enum(['full', 'policy']).default('full').meta({
      description:
        'what a customer who cancels because of it gets back: everything until the new start, or by the policy of purchase',
    }),
    sales_open_at: instant.nullable().optional(),
    sales_close_at: instant.nullable().optional().meta({
      description: 'moves as far as the start does unless it is given; null takes it away',
    }),
  })
  .refine((body) => Date.parse(body.ends_at) > Date.parse(body.starts_at), {
    path: ['ends_at'],
    message: 'must be after starts_at',
  })
  .meta({ id: 'RescheduleEvent' });

const span = z.object({ starts_at: instant, ends_at: instant });

export const eventReschedule = z
  .object({
    object: z.literal('event_reschedule'),
    event_id: id('evt'),
    number: z.number().int().meta({ description: '1 for the first time that the event was moved' }),
    state: z.enum(['RUNNING', 'DONE', 'SUPERSEDED']).meta({
      description: 'SUPERSEDED: the event was moved again or cancelled before every booking had followed',
    }),
    reason: z.string(),
    refund: z.enum(['full', 'policy']),
    from: span,
    to: span,
    total: z.number().int().meta({ description: 'bookings that stood when the event was moved' }),
    done: z.number().int().meta({ description: 'of them, those that have followed or ended' }),
    requested_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'EventReschedule' });
export type EventRescheduleJson = z.input<typeof eventReschedule>;
