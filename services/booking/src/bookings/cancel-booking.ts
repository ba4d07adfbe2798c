import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  upgradeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { Problem } from '@holdfast/shared/problems';
import { applySagaMessage } from '../checkout-saga/apply-saga-message.ts';
import { outcome } from '../events.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { toBookingJson, type BookingRow } from './booking-row.ts';
import { changeBooking, lockBooking, nextSequence, readBooking, transition } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';

export interface CancelDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

export interface CancelCommand {
  readonly caller: SignedInCaller;
  readonly bookingId: BookingId;
  readonly scope: KeyScope;
  readonly reason: string;
}

/** The booking after the call; `waiting` says that a capture is under way, so the wish is noted and carried out after it. */
interface Cancelled {
  readonly row: BookingRow;
  readonly now: Date;
  readonly waiting: boolean;
}

/**
 * Cancels a booking: its places are free with the commit. An authorisation that may be under way is voided after it, money that was
 * taken goes back by the policy of purchase. While a capture may be under way the wish is kept and answered 202; its key is upgraded
 * to the final answer once. Cancelling twice gives the same answer. @throws Problem `not_found`, `not_cancellable`.
 */
export async function cancelBooking(
  deps: CancelDeps,
  command: CancelCommand,
): Promise<{ answer: StoredAnswer; replayed: boolean }> {
  const result = await withTransaction(deps.pool, async (tx) => {
    await lockKey(tx, command.scope);
    const stored = await findAnswer(tx, command.scope);
    if (stored)
      return { answer: stored.final ? stored.answer : await upgrade(tx, command, stored.answer), replayed: true };
    const cancelled = await cancel(tx, command);
    const answer = answerOf(cancelled);
    await storeAnswer(tx, command.scope, answer, cancelled.waiting ? { context: { cancel: true } } : undefined);
    return { answer, replayed: false };
  });
  deps.onCommit();
  deps.watch.changed(command.bookingId);
  return result;
}

/** The final answer of a stored 202, once the capture's outcome is known. */
async function upgrade(tx: Tx, command: CancelCommand, stored: StoredAnswer): Promise<StoredAnswer> {
  const found = await readBooking(tx, { id: command.bookingId }, null);
  if (!found || isBeingCaptured(found.row)) return stored;
  return upgradeAnswer(tx, command.scope, answerOf({ ...found, waiting: false }));
}

async function cancel(tx: Tx, command: CancelCommand): Promise<Cancelled> {
  const anybody = command.caller.role !== 'customer';
  const found = await readBooking(tx, { id: command.bookingId }, anybody ? null : command.caller.userId);
  if (!found) throw new Problem('not_found');
  await lockInventory(tx, [found.row]);
  const { row, now } = (await lockBooking(tx, command.bookingId))!;
  if (row.status === 'CANCELLED' || (row.status === 'REFUNDED' && row.cancel_reason !== null)) {
    return { row, now, waiting: false };
  }
  if (isBeingCaptured(row)) {
    if (row.cancel_requested_at !== null) return { row, now, waiting: true };
    const wished = await changeBooking(tx, row.id, { cancel_requested_at: now, cancel_reason: command.reason });
    return { row: wished, now, waiting: true };
  }
  const cancellable = ['HELD', 'PAYMENT_INITIATED', 'CONFIRMED', ...(anybody ? ['CHECKED_IN'] : [])];
  if (!cancellable.includes(row.status)) {
    throw new Problem('not_cancellable', { detail: `the booking is ${row.status}` });
  }

  const cause = { id: command.caller.requestId, traceparent: command.caller.traceparent };
  const actor = command.caller.userId;
  await changeBooking(tx, row.id, { cancel_reason: command.reason });
  // A booking with a payment behind it is cancelled by its saga, which knows what to undo.
  const through = await applySagaMessage(tx, {
    bookingId: row.id,
    message: 'cancelled',
    attempt: null,
    reason: command.reason,
    actor,
    cause,
  });
  if (through) return { row: through.row, now, waiting: false };

  let cancelled = await transition(tx, row, { to: 'CANCELLED', reason: command.reason, actor, cause: cause.id });
  await releaseClaims(tx, [row.id]);
  cancelled = await nextSequence(tx, row.id, 'booking');
  await appendToOutbox(tx, '/booking', [outcome('cancelled', cancelled, cause, now, { reason: command.reason })]);
  return { row: cancelled, now, waiting: false };
}

/** Pinned and not settled: the provider may be capturing at this moment. */
function isBeingCaptured(row: BookingRow): boolean {
  return row.status === 'PAYMENT_INITIATED' && row.pinned_at !== null;
}

function answerOf({ row, now, waiting }: Cancelled): StoredAnswer {
  return {
    status: waiting ? 202 : 200,
    headers: { etag: `"${row.version}"`, ...(waiting ? { 'retry-after': '1' } : {}) },
    body: JSON.stringify(toBookingJson(row, now)),
  };
}
