import type { Tx } from '@holdfast/shared/db/transaction';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import { outcome, type Cause } from '../events.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import type { BookingRow } from './booking-row.ts';
import { changeBooking, nextSequence, transition } from './booking-store.ts';
import type { RefundRule } from './refund-policy.ts';

/** The booking after the call; `waiting` says that a capture is under way, so the wish is noted and carried out after it. */
export interface Cancelled {
  readonly row: BookingRow;
  readonly now: Date;
  readonly waiting: boolean;
}

export interface Cancellation {
  readonly reason: string;
  readonly actor: string;
  readonly cause: Cause;
  readonly refund: RefundRule;
}

/**
 * Cancels a live booking whose inventory and row are locked. One that is being captured keeps the wish, and the better of two rules:
 * a customer who wanted to cancel gets everything back when the event is cancelled as well.
 */
export async function cancelLocked(tx: Tx, row: BookingRow, now: Date, wish: Cancellation): Promise<Cancelled> {
  if (isBeingCaptured(row)) return { row: await keepWish(tx, row, now, wish), now, waiting: true };

  const { reason, actor, cause, refund } = wish;
  // A booking with a payment behind it is cancelled by its saga, which knows what to undo.
  const message = { bookingId: row.id, message: 'cancelled', attempt: null, reason, actor, cause, refund } as const;
  const through = await applyToLocked(tx, message, { row, now });
  if (through) return { row: through.row, now, waiting: false };

  await changeBooking(tx, row.id, { cancel_reason: reason });
  let cancelled = await transition(tx, row, { to: 'CANCELLED', reason, actor, cause: cause.id });
  await releaseClaims(tx, [row.id]);
  cancelled = await nextSequence(tx, row.id, 'booking');
  await appendToOutbox(tx, '/booking', [outcome('cancelled', cancelled, cause, now, { reason })]);
  return { row: cancelled, now, waiting: false };
}

/** Pinned and not settled: the provider may be capturing at this moment. */
export function isBeingCaptured(row: BookingRow): boolean {
  return row.status === 'PAYMENT_INITIATED' && row.pinned_at !== null;
}

async function keepWish(tx: Tx, row: BookingRow, now: Date, wish: Cancellation): Promise<BookingRow> {
  if (row.cancel_requested_at === null) {
    const { reason, refund } = wish;
    return changeBooking(tx, row.id, { cancel_requested_at: now, cancel_reason: reason, cancel_refund: refund });
  }
  const better = wish.refund === 'full' && row.cancel_refund !== 'full';
  return better ? changeBooking(tx, row.id, { cancel_refund: 'full' }) : row;
}
