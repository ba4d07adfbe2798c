import { z } from 'zod';
import { humanText, id, instant } from './common.ts';

export const cancelEventBody = z.strictObject({ reason: humanText(10, 500) }).meta({ id: 'CancelEvent' });

export const eventCancellation = z
  .object({
    object: z.literal('event_cancellation'),
    event_id: id('evt'),
    state: z.enum(['RUNNING', 'DONE']),
    reason: z.string(),
    total: z.number().int().meta({ description: 'bookings that were live when the event was closed' }),
    done: z.number().int().meta({ description: 'of them, those that are not live any more' }),
    failed: z.number().int().meta({ description: 'of them, those that a person must look at; cancel again to retry' }),
    requested_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'EventCancellation' });
export type EventCancellationJson = z.input<typeof eventCancellation>;
