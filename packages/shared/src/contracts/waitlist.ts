import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { booking } from './bookings.ts';
import { categoryName } from './catalogue.ts';
import { id, instant } from './common.ts';

/**
 * WAITING: in line. OFFERED: the booking is held for the customer. ACCEPTED: it was confirmed, whatever became of it later. LEFT: given
 * up by the customer or an operator. EXPIRED: the offer lapsed, or the line closed. FAILED: the payment of the offer finally failed.
 * CANCELLED: the event was cancelled.
 */
export const WAITLIST_STATUSES = ['WAITING', 'OFFERED', 'ACCEPTED', 'LEFT', 'EXPIRED', 'FAILED', 'CANCELLED'] as const;
export type WaitlistStatus = (typeof WAITLIST_STATUSES)[number];

export const waitForPlacesBody = z
  .strictObject({
    event_id: id('evt'),
    quantity: z.number().int().min(1).max(1000),
    min_quantity: z.number().int().min(1).max(1000).optional(),
    category: categoryName.optional(),
  })
  .refine((body) => body.min_quantity === undefined || body.min_quantity <= body.quantity, {
    path: ['min_quantity'],
    message: 'must not be above quantity',
  })
  .meta({ id: 'WaitForPlaces' });

export const waitForTimeBody = z
  .strictObject({ resource_id: id('res'), starts_at: instant, ends_at: instant })
  .refine((body) => Date.parse(body.ends_at) > Date.parse(body.starts_at), {
    path: ['ends_at'],
    message: 'must be after starts_at',
  })
  .meta({ id: 'WaitForTime' });

/** The two forms of POST /v1/waitlist, for the OpenAPI document. To check a body use `waitFormOf`. */
export const waitBody = z.union([waitForPlacesBody, waitForTimeBody]).meta({ id: 'Wait' });

/** The form that a body means to have, so that the refusal names its wrong fields and not those of the other form. */
export function waitFormOf(body: unknown): typeof waitForPlacesBody | typeof waitForTimeBody {
  const isForTime = typeof body === 'object' && body !== null && Object.hasOwn(body, 'resource_id');
  return isForTime ? waitForTimeBody : waitForPlacesBody;
}

/** Nothing to say beside the entry in the path. */
export const leaveBody = z.strictObject({}).meta({ id: 'LeaveWaitlist' });

export const waitlistQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(WAITLIST_STATUSES).optional(),
  event_id: id('evt').optional(),
  resource_id: id('res').optional(),
  user_id: id('usr').optional(),
});

export const waitlistEntry = z
  .object({
    id: id('wtl'),
    object: z.literal('waitlist_entry'),
    status: z.enum(WAITLIST_STATUSES),
    position: z.number().int().nullable().meta({
      description:
        '1 for the first in line of those who wait for the event, or for a time that overlaps; null when over',
    }),
    user_id: id('usr'),
    event_id: id('evt').nullable(),
    resource_id: id('res').nullable(),
    quantity: z.number().int(),
    min_quantity: z.number().int().meta({ description: 'the least places that are taken instead of `quantity`' }),
    category: z.string().nullable(),
    starts_at: instant,
    ends_at: instant,
    time_zone: z.string(),
    booking_id: id('bkg').meta({ description: 'PENDING while the entry waits' }),
    booking: booking
      .nullable()
      .meta({ description: 'what was offered, to be paid by hold_expires_at; null before an offer' }),
    offered_at: instant.nullable(),
    server_now: instant,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'WaitlistEntry' });
export type WaitlistEntryJson = z.input<typeof waitlistEntry>;
