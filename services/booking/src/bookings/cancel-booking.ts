import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { isEventCancelled } from '../event-cancellation/is-event-cancelled.ts';
import { followEvent } from '../event-reschedule/follow-event.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { auditForCustomer } from './audit-for-customer.ts';
import { toBookingJson } from './booking-row.ts';
import { lockBooking, readBooking } from './booking-store.ts';
import type { BookingWatch } from './booking-watch.ts';
import { cancelLocked, isBeingCaptured, type Cancelled } from './cancel-locked-booking.ts';

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
 * Cancels a booking: its places are free with the commit. An authorisation that may be under way is voided after it, money that was
 * taken goes back by the policy of purchase. While a capture may be under way the wish is kept and answered 202; its key is upgraded
 * to the final answer once. Cancelling twice gives the same answer. @throws Problem `not_found`, `not_cancellable`.
 */
export async function cancelBooking(deps: CancelDeps, command: CancelCommand): Promise<OnceAnswered> {
  const result = await answerOnce(
    deps.pool,
    command.scope,
    async (tx) => answerOf(await cancelWithin(tx, command)),
    (tx) => settled(tx, command),
  );
  deps.onCommit();
  deps.watch.changed(command.bookingId);
  return result;
}

/** The final answer of a stored 202; null while the capture's outcome is not known. */
async function settled(tx: Tx, command: CancelCommand): Promise<StoredAnswer | null> {
  const found = await readBooking(tx, { id: command.bookingId }, null);
  return found && !isBeingCaptured(found.row) ? answerOf({ ...found, waiting: false }) : null;
}

/** As above, in the caller's transaction, which has no lock yet that comes after the inventory's. @throws Problem as `cancelBooking`. */
export async function cancelWithin(tx: Tx, command: Omit<CancelCommand, 'scope'>): Promise<Cancelled> {
  const anybody = command.caller.role !== 'customer';
  const found = await readBooking(tx, { id: command.bookingId }, anybody ? null : command.caller.userId);
  if (!found) throw new Problem('not_found');
  await lockInventory(tx, [found.row]);
  await followEvent(tx, found.row);
  const { row, now } = (await lockBooking(tx, command.bookingId))!;
  if (row.status === 'CANCELLED' || (row.status === 'REFUNDED' && row.cancel_reason !== null)) {
    return { row, now, waiting: false };
  }
  const cancellable = ['PENDING', 'HELD', 'PAYMENT_INITIATED', 'CONFIRMED', ...(anybody ? ['CHECKED_IN'] : [])];
  if (!cancellable.includes(row.status)) {
    throw new Problem('not_cancellable', { detail: `the booking is ${row.status}` });
  }
  const cancelled = await cancelLocked(tx, row, now, {
    reason: command.reason,
    actor: command.caller.userId,
    cause: { id: command.caller.requestId, traceparent: command.caller.traceparent },
    refund: (await isEventCancelled(tx, row.event_id)) ? 'full' : 'policy',
  });
  await auditForCustomer(tx, command.caller, row, cancelled.row, now);
  return cancelled;
}

function answerOf({ row, now, waiting }: Cancelled): StoredAnswer {
  return {
    status: waiting ? 202 : 200,
    headers: { etag: `"${row.version}"`, ...(waiting ? { 'retry-after': '1' } : {}) },
    body: JSON.stringify(toBookingJson(row, now)),
  };
}
