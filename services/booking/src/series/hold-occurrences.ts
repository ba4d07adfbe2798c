import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { BookingRow } from '../bookings/booking-row.ts';
import { held, outcome, type Cause } from '../events.ts';
import { holdWaiting } from './occurrence-store.ts';

/**
 * Gives waiting occurrences their places, under the lock of their resource: HELD, with claims that the same constraint guards as
 * every other. There is no other way from PENDING to HELD. `tellCustomer` sends a message with the time until which to pay; who is
 * answered at this moment needs none. Returns the bookings that became HELD.
 */
export async function holdOccurrences(
  tx: Tx,
  ids: readonly BookingId[],
  options: {
    readonly holdSeconds: number;
    readonly actor: string;
    readonly cause: Cause;
    readonly tellCustomer: boolean;
  },
): Promise<BookingRow[]> {
  const { holdSeconds, actor, cause, tellCustomer } = options;
  if (ids.length === 0) return [];
  const rows = await holdWaiting(tx, ids, holdSeconds, {
    ...{ reason: 'held', actor, cause: cause.id },
    announced: tellCustomer,
  });
  await appendToOutbox(
    tx,
    '/booking',
    rows.flatMap((row) => [
      held(row, cause, row.updated_at),
      ...(tellCustomer
        ? [outcome('payment_due', row, cause, row.updated_at, { pay_until: row.hold_expires_at!.toISOString() })]
        : []),
    ]),
  );
  return rows;
}
