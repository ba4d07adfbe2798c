import type { Pool } from '@holdfast/shared/db/pool';
import { deleteOver } from './search-store.ts';

const BATCH = 1_000;

/**
 * Forgets events that are over, so that a search goes through what is to come only. They are not found before that either; any number
 * of processes may run this.
 */
export async function pruneSearch(pool: Pool): Promise<{ pruned: number; more: boolean }> {
  const pruned = await deleteOver(pool, BATCH);
  return { pruned, more: pruned === BATCH };
}
