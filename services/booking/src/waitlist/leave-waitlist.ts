import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { Problem } from '@holdfast/shared/problems';
import { lockBooking } from '../bookings/booking-store.ts';
import type { CancelDeps } from '../bookings/cancel-booking.ts';
import { cancelLocked, isBeingCaptured } from '../bookings/cancel-locked-booking.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { toEntryJson } from './entry-row.ts';
import { findEntry } from './read-entry.ts';

export interface LeaveCommand {
  readonly caller: SignedInCaller;
  readonly entryId: string;
  /** Null for a call without a key. */
  readonly scope: KeyScope | null;
}

/**
 * Gives a wait up, or the offer that came of it: its booking is cancelled and the next in line may have the places. Leaving twice is
 * the same answer. While the offer is being captured the wish is kept, as with any booking: 202.
 * @throws Problem `not_found`, `not_waiting`.
 */
export async function leaveWaitlist(deps: CancelDeps, command: LeaveCommand): Promise<OnceAnswered> {
  const { row } = await findEntry(deps.pool, command.caller, command.entryId);
  const result = await answerOnce(
    deps.pool,
    command.scope,
    (tx) => leave(tx, command),
    async (tx) => {
      const answer = await answerOf(tx, command);
      return answer.status === 202 ? null : answer;
    },
  );
  deps.onCommit();
  deps.watch.changed(row.id);
  return result;
}

async function leave(tx: Tx, command: LeaveCommand): Promise<StoredAnswer> {
  const { row: entry } = await findEntry(tx, command.caller, command.entryId);
  await lockInventory(tx, [entry]);
  const { row, now } = (await lockBooking(tx, entry.id))!;
  const gone = ['CANCELLED', 'REFUNDED'].includes(row.status) && row.cancel_reason !== null;
  if (!gone && !['PENDING', 'HELD', 'PAYMENT_INITIATED'].includes(row.status)) {
    throw new Problem('not_waiting', { detail: `the booking is ${row.status}` });
  }
  if (!gone) {
    await cancelLocked(tx, row, now, {
      reason: 'left the waitlist',
      actor: command.caller.userId,
      cause: { id: command.caller.requestId, traceparent: command.caller.traceparent },
      refund: 'policy',
    });
  }
  return answerOf(tx, command);
}

async function answerOf(tx: Tx, command: LeaveCommand): Promise<StoredAnswer> {
  const { row, now } = await findEntry(tx, command.caller, command.entryId);
  const waiting = isBeingCaptured(row);
  return {
    status: waiting ? 202 : 200,
    headers: waiting ? { 'retry-after': '1' } : {},
    body: JSON.stringify(toEntryJson(row, now)),
  };
}
