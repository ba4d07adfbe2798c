import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { BOOKING_STATUSES } from './bookings.ts';
import { humanText, id, instant, money } from './common.ts';

/** States of a checkout saga; docs/architecture.md has the table. */
export const SAGA_STATE_NAMES = [
  'AUTHORISING',
  'DECLINED',
  'CAPTURING',
  'CONFIRMED',
  'FAILED',
  'LAPSING',
  'VOIDING',
  'VOIDED',
  'REFUNDING',
  'REFUNDED',
  'CLOSED',
  'STUCK',
] as const;

export const sagaListQuery = z.strictObject({
  ...pageQuery,
  state: z.enum(SAGA_STATE_NAMES).optional(),
  stuck: z.enum(['true', 'false']).optional(),
});

/** Nothing to say beside the booking in the path. */
export const retrySagaBody = z.strictObject({}).meta({ id: 'RetrySaga' });
export const compensateSagaBody = z.strictObject({ reason: humanText(10, 500) }).meta({ id: 'CompensateSaga' });
export const resolveSagaBody = z
  .strictObject({
    reason: humanText(10, 500),
    /** What was found or done at the provider: the authorisation is gone, the money went back, or nothing is owed. */
    outcome: z.enum(['voided', 'refunded', 'closed']),
  })
  .meta({ id: 'ResolveSaga' });

export const saga = z
  .object({
    id: id('bkg').meta({ description: 'that of its booking' }),
    object: z.literal('saga'),
    booking_id: id('bkg'),
    reference: z.string(),
    booking_status: z.enum(BOOKING_STATUSES),
    state: z.enum(SAGA_STATE_NAMES),
    payment_id: id('pay'),
    attempt: z.number().int(),
    undo: z.enum(['void', 'refund']).nullable().meta({ description: 'what takes back the step under way' }),
    tries: z.number().int().meta({ description: 'how often the step was asked for again' }),
    next_action_at: instant.nullable(),
    deadline_at: instant.nullable().meta({ description: 'by when the answer should be there' }),
    stuck: z.boolean().meta({ description: 'STUCK, or past its deadline' }),
    reason: z.string().nullable().meta({ description: 'why it is stuck, or what was last said that was no answer' }),
    stuck_in: z.enum(SAGA_STATE_NAMES).nullable(),
    refund: z.object({ id: id('rfd'), amount: money }).nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Saga' });
export type SagaJson = z.input<typeof saga>;
