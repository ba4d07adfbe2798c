import { z } from 'zod';

/** CloudEvents 1.0 in JSON, with family, sequence and cause as extensions. Every event travels in one; `data` is in contracts/events.ts. */
export const eventEnvelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).meta({ description: 'msg_…; the same event has the same id however often it is delivered' }),
  source: z.string().meta({ description: 'the service that says so, e.g. /booking' }),
  type: z
    .string()
    .regex(/^holdfast\.[a-z_]+\.[a-z_]+\.v\d+$/)
    .meta({ description: 'holdfast.<family>.<name>.v<version of data>' }),
  subject: z.string().min(1).meta({ description: 'whose events keep their order: a booking, mostly' }),
  time: z.string().meta({ description: 'business time, RFC 3339' }),
  datacontenttype: z.literal('application/json'),
  family: z.string().min(1),
  sequence: z.number().int().positive().meta({ description: '1, 2, 3 … without holes, per subject and family' }),
  cause: z.string().meta({ description: 'id of the request or the event that led to this one' }),
  traceparent: z.string().optional().meta({ description: 'W3C trace context of what led to it' }),
  data: z.unknown(),
});
