import type { Pool } from '@holdfast/shared/db/pool';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope, StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { BookingRow } from '../bookings/booking-row.ts';
import { lockBooking } from '../bookings/booking-store.ts';
import type { BookingWatch } from '../bookings/booking-watch.ts';
import { cancelLocked } from '../bookings/cancel-locked-booking.ts';
import { outcome, type Cause } from '../events.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { releaseClaims } from '../inventory/release-claims.ts';
import { cancellableOccurrences, cancelUnpaid, waitsForCapture } from './occurrence-store.ts';
import { answerSeries, seriesOf } from './read-series.ts';
import type { SeriesId } from './series-store.ts';

export interface CancelSeriesDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
  readonly onCommit: () => void;
}

export interface CancelSeriesCommand {
  readonly caller: SignedInCaller;
  readonly seriesId: SeriesId;
  readonly scope: KeyScope;
  readonly reason: string;
  /** Wall-clock time of the first occurrence that goes; null for all that are still to come. */
  readonly from: string | null;
}

/**
 * Cancels what is still to come of a series, or from an occurrence on, in one transaction: those for which no payment ever began all
 * at once, every other as when it is cancelled by itself, with its refund. Cancelling twice gives the same answer. 202 while a capture of
 * one of them may be under way; its key is upgraded once. @throws Problem `not_found`.
 */
export async function cancelSeries(deps: CancelSeriesDeps, command: CancelSeriesCommand): Promise<OnceAnswered> {
  let cancelled: readonly BookingId[] = [];
  const result = await answerOnce(
    deps.pool,
    command.scope,
    async (tx) => {
      cancelled = await cancel(tx, command);
      return answerChange(tx, command.seriesId);
    },
    (tx) => finalAnswer(tx, command.seriesId),
  );
  deps.onCommit();
  for (const id of cancelled) deps.watch.changed(id);
  return result;
}

async function cancel(tx: Tx, command: CancelSeriesCommand): Promise<BookingId[]> {
  const { caller, reason } = command;
  const series = await seriesOf(tx, caller, command.seriesId);
  await lockInventory(tx, [{ event_id: null, resource_id: series.resource_id }]);
  const toCancel = await cancellableOccurrences(tx, series.id, command.from);
  const cause = { id: caller.requestId, traceparent: caller.traceparent };
  const step = { reason, actor: caller.userId };
  const unpaid = toCancel.flatMap((one) => (one.unpaid ? [one.id] : []));
  const together = await cancelUnpaid(tx, unpaid, { ...step, cause: cause.id });
  const cancelled = together.map(({ id }) => id);
  await releaseClaims(tx, cancelled);
  await announce(tx, together, reason, cause);

  const done = new Set(cancelled);
  for (const { id } of toCancel.filter((one) => !done.has(one.id))) {
    const { row, now } = (await lockBooking(tx, id))!;
    // A payment needs no lock of the inventory: it may have begun, or failed the booking, since.
    if (!['HELD', 'PAYMENT_INITIATED', 'CONFIRMED'].includes(row.status)) continue;
    await cancelLocked(tx, row, now, { ...step, cause, refund: 'policy' });
    cancelled.push(id);
  }
  return cancelled;
}

/** One message for all that had cost nothing yet: nobody wants fifty mails. */
async function announce(tx: Tx, rows: readonly BookingRow[], reason: string, cause: Cause): Promise<void> {
  const [first] = rows;
  await appendToOutbox(
    tx,
    '/booking',
    rows.map((row) =>
      outcome('cancelled', row, cause, row.updated_at, {
        reason,
        ...(row === first ? { occurrences: rows.length } : { told_with: first!.id }),
      }),
    ),
  );
}

/** The series after a change: 202 while one of its bookings is cancelled as soon as its capture has an outcome. */
export async function answerChange(tx: Tx, id: SeriesId): Promise<StoredAnswer> {
  const answer = await answerSeries(tx, id);
  if (!(await waitsForCapture(tx, id))) return answer;
  return { ...answer, status: 202, headers: { ...answer.headers, 'retry-after': '1' } };
}

/** The final answer of a stored 202; null while an outcome is open. */
export async function finalAnswer(tx: Tx, id: SeriesId): Promise<StoredAnswer | null> {
  return (await waitsForCapture(tx, id)) ? null : answerSeries(tx, id);
}
