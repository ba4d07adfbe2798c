import type { Pool } from '@holdfast/shared/db/pool';
import { deleteExpiredAttempts } from './attempt-store.ts';

const AT_ONCE = 1_000;

/** Deletes counted attempts whose window is over. Any number of gateways may do it. */
export async function pruneAttempts(pool: Pool): Promise<{ more: boolean }> {
  return { more: (await deleteExpiredAttempts(pool, AT_ONCE)) === AT_ONCE };
}
