import { z } from 'zod';
import { pageQuery } from '../http/pagination.ts';
import { amount, currency, humanText, id, instant, money, noCardNumber } from './common.ts';
import { categoryName, refundWindow, seatLabel } from './catalogue.ts';

export const BOOKING_STATUSES = [
  'PENDING',
  'HELD',
  'PAYMENT_INITIATED',
  'PAID',
  'CONFIRMED',
  'CHECKED_IN',
  'COMPLETED',
  'CANCELLED',
  'EXPIRED',
  'FAILED',
  'REFUNDED',
] as const;
export type BookingStatus = (typeof BOOKING_STATUSES)[number];

/** For whom an operator books; whoever else sends it is refused. */
const customerId = id('usr').optional().meta({ description: 'for operators: the customer whose booking it is' });

/** Seats by label. Their number is bounded here only against abuse; the limit for a booking is a setting. */
export const holdSeatsBody = z
  .strictObject({ event_id: id('evt'), seats: z.array(seatLabel).min(1).max(100), customer_id: customerId })
  .meta({ id: 'HoldSeats' });

export const holdQuantityBody = z
  .strictObject({
    event_id: id('evt'),
    quantity: z.number().int().min(1).max(1000),
    category: categoryName.optional(),
    customer_id: customerId,
  })
  .meta({ id: 'HoldQuantity' });

export const holdSlotBody = z
  .strictObject({ resource_id: id('res'), starts_at: instant, ends_at: instant, customer_id: customerId })
  .refine((body) => Date.parse(body.ends_at) > Date.parse(body.starts_at), {
    path: ['ends_at'],
    message: 'must be after starts_at',
  })
  .meta({ id: 'HoldSlot' });

/** The three forms of POST /v1/bookings, for the OpenAPI document. To check a body use `holdFormOf`. */
export const holdBody = z.union([holdSeatsBody, holdQuantityBody, holdSlotBody]).meta({ id: 'Hold' });
export type HoldBody = z.output<typeof holdBody>;

/** The form that a body means to have, so that the refusal names its wrong fields and not those of the other forms. */
export function holdFormOf(body: unknown): typeof holdSeatsBody | typeof holdQuantityBody | typeof holdSlotBody {
  const has = (key: string) => typeof body === 'object' && body !== null && Object.hasOwn(body, key);
  if (has('resource_id')) return holdSlotBody;
  return has('seats') ? holdSeatsBody : holdQuantityBody;
}

export const payBody = z
  .strictObject({
    payment_method: z
      .string()
      .regex(/^pm_[A-Za-z0-9_]{1,100}$/, 'must be a payment method such as pm_card_visa')
      .refine(noCardNumber, 'must not contain the number of a payment card')
      .optional(),
    allow_equivalent: z.boolean().default(false),
  })
  .meta({ id: 'Pay' });

/** Nothing to say beside the booking in the path. */
export const extendBody = z.strictObject({}).meta({ id: 'Extend' });

export const cancelBody = z.strictObject({ reason: humanText(10, 500) }).meta({ id: 'Cancel' });

export const bookingListQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(BOOKING_STATUSES).optional(),
  from: instant.optional(),
  to: instant.optional(),
  user_id: id('usr').optional(),
});
export const upcomingQuery = z.strictObject({ ...pageQuery });

export const PAYMENT_STATUSES = [
  'PENDING',
  'REQUIRES_ACTION',
  'PROCESSING',
  'AUTHORIZED',
  'CAPTURED',
  'VOIDED',
  'DECLINED',
  'UNKNOWN',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

export const bookingPayment = z
  .object({
    id: id('pay'),
    status: z.enum(PAYMENT_STATUSES),
    attempt: z.number().int(),
    decline_reason: z.string().nullable(),
    next_action: z.object({ redirect_url: z.string() }).nullable(),
  })
  .meta({ id: 'BookingPayment' });

export const priceLine = z.object({
  kind: z.enum(['place', 'fee']).meta({ description: '`fee` is the platform fee' }),
  label: z.string(),
  category: z.string().nullable(),
  quantity: z.number().int(),
  unit_amount: amount,
  amount,
});

export const booking = z
  .object({
    id: id('bkg'),
    object: z.literal('booking'),
    reference: z.string(),
    customer_id: id('usr').meta({ description: 'whose booking it is' }),
    status: z.enum(BOOKING_STATUSES),
    inventory: z.enum(['slots', 'seats', 'pool']),
    event_id: id('evt').nullable(),
    resource_id: id('res').nullable(),
    series_id: id('ser').nullable().meta({ description: 'set for an occurrence of a series' }),
    waitlist_entry_id: id('wtl').nullable().meta({ description: 'of a booking that began as a wait for its places' }),
    seats: z.array(z.string()).meta({ description: 'seat labels, or place numbers of a numbered pool' }),
    quantity: z.number().int(),
    starts_at: instant,
    ends_at: instant,
    time_zone: z.string(),
    price: z.object({ amount, currency, lines: z.array(priceLine) }),
    hold_expires_at: instant.nullable(),
    cancel_requested_at: instant.nullable(),
    checked_in_at: instant.nullable(),
    attended: z.boolean().nullable().meta({ description: 'null until the booking is COMPLETED' }),
    server_now: instant,
    version: z.number().int(),
    payment: bookingPayment.nullable(),
    refund: z.object({ id: id('rfd'), status: z.string(), amount: money }).nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Booking' });
export type BookingJson = z.input<typeof booking>;

export const historyEntry = z
  .object({
    from: z.enum(BOOKING_STATUSES).nullable(),
    to: z.enum(BOOKING_STATUSES),
    reason: z.string(),
    actor: z.string(),
    on_behalf_of: id('usr').nullable().meta({ description: 'the customer, where another user acted' }),
    cause: z.string(),
    at: instant,
  })
  .meta({ id: 'HistoryEntry' });

export const cancellationPreview = z
  .object({ refundable: money, percent: z.number().int(), policy: z.array(refundWindow) })
  .meta({ id: 'CancellationPreview' });
