import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import { outcome } from '../events.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import { entriesTooLate, expireTooLate } from './waitlist-store.ts';

export interface CloseDeps {
  readonly pool: Pool;
  readonly onCommit: () => void;
}

/** Entries of one round. */
const BATCH = 500;

/**
 * Ends the wait for what can no longer be had: sales have closed, the event is over, the time has begun. The customers are told. Any
 * number of processes may run this: the guarded UPDATE ends each wait once.
 */
export async function closeLines(deps: CloseDeps): Promise<{ closed: number; more: boolean }> {
  const late = await entriesTooLate(deps.pool, BATCH);
  if (late.length === 0) return { closed: 0, more: false };
  const cause = { id: newId('req'), traceparent: null };
  const closed = await withTransaction(deps.pool, async (tx) => {
    await lockInventory(tx, late);
    const ids = late.map((entry) => entry.booking_id);
    const rows = await expireTooLate(tx, ids, cause.id);
    await appendToOutbox(
      tx,
      '/booking',
      rows.map((row) => outcome('expired', row, cause, row.updated_at)),
    );
    return rows.length;
  });
  if (closed > 0) deps.onCommit();
  return { closed, more: late.length === BATCH };
}
