import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import type { BookingId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { cancelWithin } from '../bookings/cancel-booking.ts';
import { answerChange, finalAnswer, type CancelSeriesDeps } from './cancel-series.ts';
import { findOccurrence } from './occurrence-store.ts';
import { seriesOf } from './read-series.ts';
import type { SeriesId } from './series-store.ts';

export interface DropOccurrenceCommand {
  readonly caller: SignedInCaller;
  readonly seriesId: SeriesId;
  readonly scope: KeyScope;
  /** Wall-clock time by the rule. */
  readonly occurrence: string;
  readonly reason: string;
}

/**
 * Takes one occurrence out of a series: its booking is cancelled as it would be by itself, the others stay. One that was left out
 * from the beginning, or dropped before, gives the same answer. @throws Problem `not_found`, `unknown_occurrence`, `not_cancellable`.
 */
export async function dropOccurrence(deps: CancelSeriesDeps, command: DropOccurrenceCommand): Promise<OnceAnswered> {
  let dropped: BookingId | null = null;
  const result = await answerOnce(
    deps.pool,
    command.scope,
    async (tx) => {
      dropped = await drop(tx, command);
      return answerChange(tx, command.seriesId);
    },
    (tx) => finalAnswer(tx, command.seriesId),
  );
  deps.onCommit();
  if (dropped !== null) deps.watch.changed(dropped);
  return result;
}

async function drop(tx: Tx, command: DropOccurrenceCommand): Promise<BookingId | null> {
  const { caller, occurrence, reason } = command;
  const series = await seriesOf(tx, caller, command.seriesId);
  if (series.left_out.some((left) => left.occurrence === occurrence)) return null;
  const bookingId = await findOccurrence(tx, series.id, occurrence);
  if (bookingId === null) {
    const message = 'is not an occurrence of the series';
    throw new Problem('unknown_occurrence', {
      errors: [{ pointer: '/occurrence', code: 'unknown_occurrence', message }],
    });
  }
  await cancelWithin(tx, { caller, bookingId, reason });
  return bookingId;
}
