import { z } from 'zod';
import { id } from './common.ts';

/**
 * Data of every event on the bus, by family and name; version 1 of each. Additive changes keep the version, so consumers accept
 * unknown fields. Amounts are minor units as integers.
 */

const bookingRef = z.object({ booking_id: id('bkg') });

/** Family `checkout`: what the saga asks of the payment service. One payment a booking; attempts are numbered from 1. */
export const authorisationRequested = bookingRef
  .extend({
    payment_id: id('pay'),
    attempt: z.number().int().min(1),
    user_id: id('usr'),
    reference: z.string(),
    amount: z.number().int().positive(),
    currency: z.string(),
    payment_method: z.string(),
  })
  .meta({ description: 'Hold this amount on the customer’s method.' });
export const captureRequested = bookingRef
  .extend({
    payment_id: id('pay'),
    attempt: z.number().int().min(1),
    amount: z.number().int().positive(),
    currency: z.string(),
  })
  .meta({ description: 'The places are pinned: take what was authorised.' });
export const voidRequested = bookingRef
  .extend({
    payment_id: id('pay'),
    attempt: z.number().int().min(1),
    reason: z.string(),
    /**
     * The hold ran out while the customer was paying: an authorisation that turns up is told with `authorised` and left standing, so
     * that the saga can take the places again; everything else is given up as ever.
     */
    unless_paid: z.boolean().optional(),
  })
  .meta({
    description:
      'Undo of an authorisation, also of one whose outcome nobody knows yet. Safe when nothing was authorised.',
  });
export const refundRequested = bookingRef
  .extend({
    payment_id: id('pay'),
    refund_id: id('rfd'),
    amount: z.number().int().positive(),
    currency: z.string(),
    reason: z.string(),
  })
  .meta({
    description: 'Undo of a capture: this goes back. refund_id is the key at the provider, so it happens once.',
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
  authorised: attemptRef
    .extend({ provider_reference: z.string(), amount: z.number().int(), currency: z.string() })
    .meta({ description: 'The amount is held on the customer’s method.' }),
  declined: attemptRef
    .extend({ reason: z.string() })
    .meta({ description: 'The provider refused; another method may be tried.' }),
  requires_action: attemptRef
    .extend({ redirect_url: z.string() })
    .meta({ description: 'The customer has to act at the provider’s page.' }),
  processing: attemptRef.meta({ description: 'The provider will tell later, by callback.' }),
  unknown: attemptRef.meta({ description: 'Timeout, reset or 5xx: it is being looked into.' }),
  captured: attemptRef
    .extend({ provider_reference: z.string(), amount: z.number().int(), currency: z.string() })
    .meta({ description: 'The money is taken.' }),
  capture_failed: attemptRef
    .extend({ reason: z.string() })
    .meta({ description: 'What was authorised cannot be taken any more.' }),
  voided: attemptRef.meta({ description: 'Nothing is held on the customer’s method any more.' }),
  refunded: bookingRef
    .extend({
      payment_id: id('pay'),
      refund_id: id('rfd'),
      amount: z.number().int(),
      currency: z.string(),
    })
    .meta({ description: 'The refund has settled.' }),
  refund_failed: bookingRef
    .extend({ payment_id: id('pay'), refund_id: id('rfd'), reason: z.string() })
    .meta({ description: 'The provider refuses this refund for good.' }),
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
  offered: bookingSnapshot
    .extend({ hold_expires_at: z.string() })
    .meta({ description: 'What was waited for is held until then, and may be paid.' }),
  confirmed: bookingSnapshot
    .extend({
      /** Events from before there were tickets have none. */
      tickets: z.array(z.object({ place: z.string(), code: z.string() })).optional(),
    })
    .meta({ description: 'It is paid, and stands.' }),
  cancelled: bookingSnapshot
    .extend({
      reason: z.string(),
      /** Occurrences of a series that had cost nothing yet are told together: how many, this first one included. */
      occurrences: z.number().int().min(1).optional(),
      /** … and in the others the booking with whose message they are told. */
      told_with: id('bkg').optional(),
    })
    .meta({ description: 'It does not stand any more, by the customer or by us.' }),
  expired: bookingSnapshot.meta({ description: 'Its hold ran out unpaid.' }),
  rescheduled: bookingSnapshot
    .extend({
      status: z.string(),
      reason: z.string(),
      previous: z.object({ starts_at: z.string(), ends_at: z.string() }),
      /** What a customer gets back who cancels for it: everything until the new start, or by the policy of purchase. */
      refund: z.enum(['full', 'policy']),
    })
    .meta({ description: 'Its event was moved: the snapshot has the new time.' }),
  failed: bookingSnapshot
    .extend({
      reason: z.string(),
      /** Of an occurrence that could not be held: why. Without it the payment failed. */
      lost: z.enum(['taken', 'closed', 'archived', 'too_late']).optional(),
    })
    .meta({ description: 'It could not be paid, or an occurrence of a series could not be held.' }),
  payment_due: bookingSnapshot
    .extend({ pay_until: z.string() })
    .meta({ description: 'An occurrence of a series is held from now on, and has to be paid.' }),
} as const;

/** Family `hold`. */
export const holdEvents = {
  held: bookingRef
    .extend({
      user_id: id('usr'),
      reference: z.string(),
      inventory: z.enum(['slots', 'seats', 'pool']),
      event_id: id('evt').nullable(),
      resource_id: id('res').nullable(),
      seats: z.array(z.string()),
      quantity: z.number().int(),
      hold_expires_at: z.string(),
    })
    .meta({ description: 'Places are held for somebody until then.' }),
  extended: bookingRef
    .extend({ user_id: id('usr'), hold_expires_at: z.string() })
    .meta({ description: '… and for longer.' }),
} as const;

/** Family `account`: what a user is told about its account. Tokens are sealed; only the service that writes the mail reads them. */
const accountRef = z.object({ user_id: id('usr'), contact: z.object({ email: z.string(), name: z.string() }) });
const tokenMail = accountRef.extend({ sealed_token: z.string(), expires_at: z.string() });
export const accountEvents = {
  email_verification_requested: tokenMail.meta({ description: 'An address has to be shown to be its owner’s.' }),
  password_reset_requested: tokenMail.meta({ description: 'Somebody asked for a new password.' }),
  password_changed: accountRef.meta({ description: 'The password was changed, and all sessions ended.' }),
} as const;

/** Family `notification_retry`: a delivery whose next attempt is due. */
export const notificationRetryEvents = {
  due: z.object({ delivery_id: id('dlv') }).meta({ description: 'The next attempt of this delivery is due.' }),
} as const;

/** Family `dead_letter`: the copy for whoever watches that stream. Its name is the consumer's, with underscores. */
export const deadLetterWritten = z
  .object({
    dead_letter_id: id('dlq'),
    consumer: z.string(),
    subject: z.string(),
    attempts: z.number().int(),
    cause: z.string(),
    error: z.string(),
    /** Cut so that it fits into a message; the row has all of it. */
    payload: z.string(),
  })
  .meta({ description: 'A consumer gave a message up; what comes behind it for the same subject waits.' });
