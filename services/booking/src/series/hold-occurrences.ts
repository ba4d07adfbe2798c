import type { Tx } from '@holdfast/shared/db/transaction';
import type { BookingId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { BookingRow } from '../bookings/booking-row.ts';
import { held, type Cause } from '../events.ts';
import { holdWaiting } from './series-store.ts';

/**
 * Gives waiting occurrences their places, under the lock of their resource: HELD, with claims that the same constraint guards as
 * every other. There is no other way from PENDING to HELD. Returns the bookings that became HELD.
 */
export async function holdOccurrences(
  tx: Tx,
  ids: readonly BookingId[],
  options: { readonly holdSeconds: number; readonly actor: string; readonly cause: Cause },
): Promise<BookingRow[]> {
  const { holdSeconds, actor, cause } = options;
  if (ids.length === 0) return [];
  const rows = await holdWaiting(tx, ids, holdSeconds, { reason: 'held', actor, cause: cause.id });
  await appendToOutbox(
    tx,
    '/booking',
    rows.map((row) => held(row, cause, row.updated_at)),
  );
  return rows;
}
