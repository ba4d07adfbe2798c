import { z } from 'zod';
import { instant } from './common.ts';

/** Something that happened to a booking, somewhere. */
export const timelineEntry = z
  .object({
    at: instant.meta({ description: 'to the microsecond; of a request, when the gateway gave it its id' }),
    source: z.enum(['gateway', 'booking', 'payment', 'notification']),
    type: z
      .string()
      .meta({ description: 'what happened, e.g. `booking.confirmed`, `provider.capture`, `message.sent`' }),
    cause: z.string().nullable().meta({ description: 'id of the request, event or operation that led to it' }),
    summary: z.string().meta({ description: 'for people' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'TimelineEntry' });
export type TimelineEntry = z.input<typeof timelineEntry>;

/** What one service knows. */
export const serviceTimeline = z.object({ entries: z.array(timelineEntry) });
export type ServiceTimeline = z.input<typeof serviceTimeline>;

export const timeline = z
  .object({
    object: z.literal('list'),
    data: z.array(timelineEntry).meta({ description: 'in order of time' }),
    has_more: z.literal(false),
    next_cursor: z.null(),
    booking: z.object({ id: z.string(), reference: z.string(), status: z.string() }),
    missing: z.array(z.string()).meta({ description: 'services that did not answer: their part is not in the list' }),
  })
  .meta({ id: 'Timeline' });
export type TimelineJson = z.input<typeof timeline>;
