import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import {
  findAnswer,
  lockKey,
  storeAnswer,
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

/**
 * Cancels a booking that is not paid: its places are free with the commit, and an authorisation that may be under way is voided
 * after it. A pinned one is being captured and stays. Cancelling twice gives the same answer.
 * @throws Problem `not_found`, `not_cancellable`.
 */
export async function cancelBooking(
  deps: CancelDeps,
  command: CancelCommand,
): Promise<{ answer: StoredAnswer; replayed: boolean }> {
  const result = await withTransaction(deps.pool, async (tx) => {
    await lockKey(tx, command.scope);
    const stored = await findAnswer(tx, command.scope);
    if (stored) return { answer: stored.answer, replayed: true };
    const { row, now } = await cancel(tx, command);
    const answer: StoredAnswer = {
      status: 200,
      headers: { etag: `"${row.version}"` },
      body: JSON.stringify(toBookingJson(row, now)),
    };
    await storeAnswer(tx, command.scope, answer);
    return { answer, replayed: false };
  });
  deps.onCommit();
  deps.watch.changed(command.bookingId);
  return result;
}

async function cancel(tx: Tx, command: CancelCommand): Promise<{ row: BookingRow; now: Date }> {
  const anybody = command.caller.role !== 'customer';
  const found = await readBooking(tx, { id: command.bookingId }, anybody ? null : command.caller.userId);
  if (!found) throw new Problem('not_found');
  await lockInventory(tx, [found.row]);
  const { row, now } = (await lockBooking(tx, command.bookingId))!;
  const cause = { id: command.caller.requestId, traceparent: command.caller.traceparent };

  if (row.status === 'CANCELLED') return { row, now };
  const cancellable = row.status === 'HELD' || (row.status === 'PAYMENT_INITIATED' && row.pinned_at === null);
  if (!cancellable)
    throw new Problem('not_cancellable', {
      detail: `the booking is ${row.status}${row.pinned_at ? ' and being captured' : ''}`,
    });

  await changeBooking(tx, row.id, { cancel_reason: command.reason });
  // A booking with a payment behind it is cancelled by its saga, which knows what to undo.
  const through = await applySagaMessage(tx, {
    bookingId: row.id,
    message: 'cancelled',
    attempt: null,
    reason: command.reason,
    actor: command.caller.userId,
    cause,
  });
  if (through) return { row: through.row, now };

  let cancelled = await transition(tx, row, {
    to: 'CANCELLED',
    reason: command.reason,
    actor: command.caller.userId,
    cause: cause.id,
  });
  await releaseClaims(tx, [row.id]);
  cancelled = await nextSequence(tx, row.id, 'booking');
  await appendToOutbox(tx, '/booking', [outcome('cancelled', cancelled, cause, now, command.reason)]);
  return { row: cancelled, now };
}
