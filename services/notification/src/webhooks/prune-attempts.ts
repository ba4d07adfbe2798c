import type { Pool } from '@holdfast/shared/db/pool';
import { deleteOldAttempts } from './attempt-store.ts';

/** How long an attempt can be looked at and sent again. */
const KEPT_DAYS = 30;
/** Rows in one statement: a moment's work. */
const BATCH = 5_000;

/** Removes attempts that nobody asks for any more. `more` says that there are others. Replicas may run it side by side. */
export async function pruneAttempts(pool: Pool): Promise<{ more: boolean }> {
  return { more: (await deleteOldAttempts(pool, KEPT_DAYS, BATCH)) === BATCH };
}
