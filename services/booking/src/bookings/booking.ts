import type { BookingStatus } from '@holdfast/shared/contracts/bookings';

/** The state machine of product.md; the database holds the same table (booking_transitions) and refuses everything else. */
export const TRANSITIONS: Readonly<Record<BookingStatus, readonly BookingStatus[]>> = {
  PENDING: ['HELD', 'CANCELLED', 'EXPIRED', 'FAILED'],
  HELD: ['PAYMENT_INITIATED', 'PAID', 'CANCELLED', 'EXPIRED'],
  PAYMENT_INITIATED: ['PAID', 'HELD', 'CANCELLED', 'EXPIRED', 'FAILED'],
  PAID: ['CONFIRMED', 'CANCELLED', 'FAILED'],
  CONFIRMED: ['CHECKED_IN', 'CANCELLED', 'COMPLETED'],
  CHECKED_IN: ['COMPLETED', 'CANCELLED'],
  EXPIRED: ['PAYMENT_INITIATED', 'REFUNDED'],
  CANCELLED: ['REFUNDED'],
  FAILED: ['REFUNDED'],
  COMPLETED: [],
  REFUNDED: [],
};

/** What a transition depends on beside the two states. */
export interface TransitionFacts {
  readonly pinned: boolean;
  /** Minor units. */
  readonly price: bigint;
}

export type TransitionVerdict = { ok: true } | { ok: false; refusal: 'unknown_transition' | 'pinned' | 'costs_money' };

/** Whether a booking may go from one state to another. Pure; the guard of every state change and the twin of the database's trigger. */
export function checkTransition(from: BookingStatus, to: BookingStatus, facts: TransitionFacts): TransitionVerdict {
  if (!TRANSITIONS[from].includes(to)) return { ok: false, refusal: 'unknown_transition' };
  if (from === 'PAYMENT_INITIATED' && facts.pinned && (to === 'CANCELLED' || to === 'EXPIRED')) {
    return { ok: false, refusal: 'pinned' };
  }
  if (from === 'HELD' && to === 'PAID' && facts.price !== 0n) return { ok: false, refusal: 'costs_money' };
  return { ok: true };
}

export function isTerminal(status: BookingStatus): boolean {
  return TRANSITIONS[status].length === 0;
}

/** Whether the booking's claims keep its places from others. */
export function holdsInventory(status: BookingStatus): boolean {
  return ['HELD', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED', 'CHECKED_IN'].includes(status);
}

/** Lengths of a hold, in seconds. */
export interface HoldTimes {
  readonly holdSeconds: number;
  readonly paymentExtensionSeconds: number;
  readonly holdMaxSeconds: number;
  /** Of an offer to somebody who waited and has to read a mail first. */
  readonly offerSeconds: number;
}

/** When a new hold runs out. */
export function firstExpiry(createdAt: Date, times: HoldTimes): Date {
  return new Date(createdAt.getTime() + Math.min(times.holdSeconds, times.holdMaxSeconds) * 1000);
}

/**
 * When an offer from the waitlist runs out: after a time of its own, but not later than what is offered begins, as long as that leaves
 * as much time as an ordinary hold.
 */
export function offerExpiry(now: Date, startsAt: Date, times: HoldTimes): Date {
  const own = now.getTime() + times.offerSeconds * 1000;
  const atMost = Math.max(startsAt.getTime(), firstExpiry(now, times).getTime());
  return new Date(Math.min(own, atMost));
}

/**
 * When a hold runs out once payment has started: `paymentExtensionSeconds` later than before, but never past the maximum from
 * creation, never earlier than it was, and only at the first attempt ("the hold was extended once"). An offer was given more time than
 * the maximum from the first: it is extended in full, or whoever pays in its last minute would lose it.
 */
export function expiryWithPayment(
  booking: { readonly createdAt: Date; readonly holdExpiresAt: Date; readonly attempt: number },
  times: HoldTimes,
): Date {
  if (booking.attempt > 1) return booking.holdExpiresAt;
  const extended = booking.holdExpiresAt.getTime() + times.paymentExtensionSeconds * 1000;
  const limit = booking.createdAt.getTime() + times.holdMaxSeconds * 1000;
  if (booking.holdExpiresAt.getTime() > limit) return new Date(extended);
  return new Date(Math.max(booking.holdExpiresAt.getTime(), Math.min(extended, limit)));
}

/**
 * When a hold runs out that is extended at `now`: a fresh hold time from now, never past the maximum from creation. Null when that
 * would not be later than it is, so that an extension is never used up for nothing.
 */
export function expiryExtended(
  booking: { readonly createdAt: Date; readonly holdExpiresAt: Date },
  now: Date,
  times: HoldTimes,
): Date | null {
  const limit = booking.createdAt.getTime() + times.holdMaxSeconds * 1000;
  const fresh = Math.min(now.getTime() + times.holdSeconds * 1000, limit);
  return fresh > booking.holdExpiresAt.getTime() ? new Date(fresh) : null;
}
