import { z } from 'zod';
import { id } from './common.ts';

/**
 * Data of every event on the bus, by family and name; version 1 of each. Additive changes keep the version, so consumers accept
 * unknown fields. Amounts are minor units as integers.
 */

const bookingRef = z.object({ booking_id: id('bkg') });

/** Family `checkout`: what the saga asks of the payment service. One payment a booking; attempts are numbered from 1. */
export const authorisationRequested = bookingRef.extend({
  payment_id: id('pay'),
  attempt: z.number().int().min(1),
  user_id: id('usr'),
  reference: z.string(),
  amount: z.number().int().positive(),
  currency: z.string(),
  payment_method: z.string(),
});
export const captureRequested = bookingRef.extend({
  payment_id: id('pay'),
  attempt: z.number().int().min(1),
  amount: z.number().int().positive(),
  currency: z.string(),
});
/** Undo of an authorisation, also of one whose outcome nobody knows yet. Safe when nothing was authorised. */
export const voidRequested = bookingRef.extend({
  payment_id: id('pay'),
  attempt: z.number().int().min(1),
  reason: z.string(),
  /**
   * The hold ran out while the customer was paying: an authorisation that turns up is told with `authorised` and left standing, so
   * that the saga can take the places again; everything else is given up as ever.
   */
  unless_paid: z.boolean().optional(),
});
/** Undo of a capture: everything goes back. `refund_id` is the provider's idempotency key, so it happens once. */
export const refundRequested = bookingRef.extend({
  payment_id: id('pay'),
  refund_id: id('rfd'),
  amount: z.number().int().positive(),
  currency: z.string(),
  reason: z.string(),
});

export const checkoutEvents = {
  authorisation_requested: authorisationRequested,
  capture_requested: captureRequested,
  void_requested: voidRequested,
  refund_requested: refundRequested,
} as const;

/** Family `payment`: what the payment service answers. */
const attemptRef = bookingRef.extend({ payment_id: id('pay'), attempt: z.number().int().min(1) });
export const paymentEvents = {
  authorised: attemptRef.extend({ provider_reference: z.string(), amount: z.number().int(), currency: z.string() }),
  declined: attemptRef.extend({ reason: z.string() }),
  requires_action: attemptRef.extend({ redirect_url: z.string() }),
  /** The provider will tell later, by callback. */
  processing: attemptRef,
  /** Timeout, reset or 5xx: being looked into. */
  unknown: attemptRef,
  captured: attemptRef.extend({ provider_reference: z.string(), amount: z.number().int(), currency: z.string() }),
  capture_failed: attemptRef.extend({ reason: z.string() }),
  voided: attemptRef,
  refunded: bookingRef.extend({
    payment_id: id('pay'),
    refund_id: id('rfd'),
    amount: z.number().int(),
    currency: z.string(),
  }),
  refund_failed: bookingRef.extend({ payment_id: id('pay'), refund_id: id('rfd'), reason: z.string() }),
} as const;
export type PaymentEventName = keyof typeof paymentEvents;

/** Everything that a message to the customer needs; the notification service asks nobody. */
export const bookingSnapshot = bookingRef.extend({
  reference: z.string(),
  user_id: id('usr'),
  contact: z.object({ email: z.string(), name: z.string() }),
  inventory: z.enum(['slots', 'seats', 'pool']),
  title: z.string(),
  venue: z.string(),
  seats: z.array(z.string()),
  quantity: z.number().int(),
  starts_at: z.string(),
  ends_at: z.string(),
  time_zone: z.string(),
  amount: z.number().int(),
  currency: z.string(),
  /** SEQUENCE of the booking's calendar entry; rises when its time changes. Events from before it could have none. */
  calendar_sequence: z.number().int().min(0).optional(),
  /** Of a booking that began as a wait for its places; `offered` says whether it ever had them. */
  waitlist: z.object({ entry_id: id('wtl'), offered: z.boolean() }).optional(),
  /** Set for an occurrence of a series. */
  series_id: id('ser').optional(),
});

/** Family `booking`: what became of a booking. */
export const bookingEvents = {
  /** What was waited for is held until then, and may be paid. */
  offered: bookingSnapshot.extend({ hold_expires_at: z.string() }),
  /** Events from before there were tickets have none. */
  confirmed: bookingSnapshot.extend({
    tickets: z.array(z.object({ place: z.string(), code: z.string() })).optional(),
  }),
  cancelled: bookingSnapshot.extend({
    reason: z.string(),
    /** Occurrences of a series that had cost nothing yet are told together: how many, this first one included. */
    occurrences: z.number().int().min(1).optional(),
    /** … and in the others the booking with whose message they are told. */
    told_with: id('bkg').optional(),
  }),
  expired: bookingSnapshot,
  /** Its event was moved: the snapshot has the new time. */
  rescheduled: bookingSnapshot.extend({
    status: z.string(),
    reason: z.string(),
    previous: z.object({ starts_at: z.string(), ends_at: z.string() }),
    /** What a customer gets back who cancels for it: everything until the new start, or by the policy of purchase. */
    refund: z.enum(['full', 'policy']),
  }),
  failed: bookingSnapshot.extend({
    reason: z.string(),
    /** Of an occurrence that could not be held: why. Without it the payment failed. */
    lost: z.enum(['taken', 'closed', 'archived', 'too_late']).optional(),
  }),
  /** An occurrence of a series is held from now on, and has to be paid. */
  payment_due: bookingSnapshot.extend({ pay_until: z.string() }),
} as const;

/** Family `hold`. */
export const holdEvents = {
  held: bookingRef.extend({
    user_id: id('usr'),
    reference: z.string(),
    inventory: z.enum(['slots', 'seats', 'pool']),
    event_id: id('evt').nullable(),
    resource_id: id('res').nullable(),
    seats: z.array(z.string()),
    quantity: z.number().int(),
    hold_expires_at: z.string(),
  }),
  extended: bookingRef.extend({ user_id: id('usr'), hold_expires_at: z.string() }),
} as const;

/** Family `account`: what a user is told about its account. Tokens are sealed; only the service that writes the mail reads them. */
const accountRef = z.object({ user_id: id('usr'), contact: z.object({ email: z.string(), name: z.string() }) });
const tokenMail = accountRef.extend({ sealed_token: z.string(), expires_at: z.string() });
export const accountEvents = {
  email_verification_requested: tokenMail,
  password_reset_requested: tokenMail,
  password_changed: accountRef,
} as const;

/** Family `notification_retry`: a delivery whose next attempt is due. */
export const notificationRetryEvents = { due: z.object({ delivery_id: id('dlv') }) } as const;
