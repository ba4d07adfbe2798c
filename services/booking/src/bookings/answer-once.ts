import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  upgradeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import { Problem } from '@holdfast/shared/problems';

/**
 * Runs a change in one transaction together with the record of its Idempotency-Key, for calls on which a key is welcome and not
 * required: `scope` is null without one. A stored 202 becomes the final answer, once, when `outcome` knows it. What `work` throws
 * leaves neither an effect nor a key. @throws Problem `idempotency_in_progress`, `idempotency_key_reused`.
 */
export async function answerOnce(
  pool: Pool,
  scope: KeyScope | null,
  work: (tx: Tx) => Promise<StoredAnswer>,
  outcome: (tx: Tx) => Promise<StoredAnswer | null> = async () => null,
): Promise<{ answer: StoredAnswer; replayed: boolean }> {
  let waitsForKey = false;
  try {
    return await withTransaction(
      pool,
      async (tx) => {
        if (scope) {
          waitsForKey = true;
          await lockKey(tx, scope);
          waitsForKey = false;
          const stored = await findAnswer(tx, scope);
          if (stored) {
            const final = stored.final ? null : await outcome(tx);
            return { answer: final ? await upgradeAnswer(tx, scope, final) : stored.answer, replayed: true };
          }
        }
        const answer = await work(tx);
        if (scope) await storeAnswer(tx, scope, answer, answer.status === 202 ? { context: {} } : undefined);
        return { answer, replayed: false };
      },
      // Each attempt waits for a lock for a second at most: two are the 2 s that a caller with the same key is kept waiting.
      { attempts: 2 },
    );
  } catch (error) {
    const lockTimeout = error instanceof Error && 'code' in error && error.code === '55P03';
    if (waitsForKey && lockTimeout) throw new Problem('idempotency_in_progress');
    throw error;
  }
}
