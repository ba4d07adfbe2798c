import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { draftSagaMessages } from '../checkout-saga/apply-saga-message.ts';
import type { SagaInput } from '../checkout-saga/saga-input.ts';
import { outcome, type Cause } from '../events.ts';
import { BookingDraft } from './booking-draft.ts';
import type { BookingRow } from './booking-row.ts';
import type { ReadBooking } from './booking-store.ts';
import type { RefundRule } from './refund-policy.ts';
import { writeDrafts } from './write-drafts.ts';

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
  return (await cancelAllLocked(tx, new Map([[row.id, { row, now }]]), wish)).get(row.id)!;
}

/** The same for many bookings at once, and for one wish. */
export async function cancelAllLocked(
  tx: Tx,
  locked: ReadonlyMap<BookingId, ReadBooking>,
  wish: Cancellation,
): Promise<Map<BookingId, Cancelled>> {
  const result = new Map<BookingId, Cancelled>();
  const drafts: BookingDraft[] = [];
  const free: [BookingId, ReadBooking][] = [];
  for (const [id, booking] of locked) {
    if (!isBeingCaptured(booking.row)) {
      free.push([id, booking]);
      continue;
    }
    const draft = keepWish(booking, wish);
    drafts.push(draft);
    result.set(id, { row: draft.row, now: booking.now, waiting: true });
  }
  // A booking with a payment behind it is cancelled by its saga, which knows what to undo.
  const { reason, actor, cause, refund } = wish;
  const messages = free.map(([bookingId]): SagaInput => ({
    bookingId,
    message: 'cancelled',
    attempt: null,
    reason,
    actor,
    cause,
    refund,
  }));
  const bySaga = await draftSagaMessages(tx, messages, new Map(free));
  drafts.push(...bySaga.drafts);
  for (const [id, booking] of free) {
    const through = bySaga.results.get(id);
    const draft = through ? null : cancelPlain(booking, wish);
    if (draft) drafts.push(draft);
    result.set(id, { row: through?.row ?? draft!.row, now: booking.now, waiting: false });
  }
  const now = [...locked.values()][0]?.now;
  if (now) await writeDrafts(tx, drafts, now);
  return result;
}

/** Pinned and not settled: the provider may be capturing at this moment. */
export function isBeingCaptured(row: BookingRow): boolean {
  return row.status === 'PAYMENT_INITIATED' && row.pinned_at !== null;
}

function cancelPlain({ row, now }: ReadBooking, { reason, actor, cause }: Cancellation): BookingDraft {
  const draft = new BookingDraft(row, now);
  draft.change({ cancel_reason: reason });
  draft.go({ to: 'CANCELLED', reason, actor, cause: cause.id });
  draft.claims = 'release';
  draft.emit('booking', (after) => outcome('cancelled', after, cause, now, { reason }));
  return draft;
}

function keepWish({ row, now }: ReadBooking, { reason, refund }: Cancellation): BookingDraft {
  const draft = new BookingDraft(row, now);
  if (row.cancel_requested_at === null) {
    draft.change({ cancel_requested_at: now, cancel_reason: reason, cancel_refund: refund });
  } else if (refund === 'full' && row.cancel_refund !== 'full') {
    draft.change({ cancel_refund: 'full' });
  }
  return draft;
}
