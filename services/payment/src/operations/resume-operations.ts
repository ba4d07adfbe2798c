import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { CIRCUIT_OPEN } from '../provider/circuit.ts';
import { UNKNOWN_OUTCOME } from './operation.ts';
import { hastenOperations } from './operation-store.ts';

/**
 * The provider is back: whatever waited for it alone is due at once, each unknown outcome with it, instead of at the end of its
 * pause. Returns how many operations that are. Nudge the driver afterwards.
 */
export function resumeOperations(pool: Pool): Promise<number> {
  return withTransaction(pool, (tx) => hastenOperations(tx, [UNKNOWN_OUTCOME, CIRCUIT_OPEN]));
}
