import type { Pool } from '../db/pool.ts';
import { withTransaction, type Tx } from '../db/transaction.ts';
import { Problem } from '../problems.ts';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  upgradeAnswer,
  type KeyScope,
  type StoredAnswer,
} from './idempotency-store.ts';

export interface OnceAnswered {
  readonly answer: StoredAnswer;
  /** Whether the answer is that of an earlier call with the same key. */
  readonly replayed: boolean;
}

/** A refusal as a value; it commits nothing but what its transaction did before, and stores no key. */
interface Refusal {
  readonly refused: unknown;
}

/**
 * Runs a change in one transaction together with the record of its Idempotency-Key; `scope` is null for a call without one. What
 * `work` throws, and what it refuses, leaves neither an effect nor a key. A stored 202 becomes the final answer, once, when
 * `outcome` knows it. @throws Problem `idempotency_in_progress`, `idempotency_key_reused`.
 */
export async function answerOnce(
  pool: Pool,
  scope: KeyScope | null,
  work: (tx: Tx) => Promise<StoredAnswer>,
  outcome?: (tx: Tx) => Promise<StoredAnswer | null>,
): Promise<OnceAnswered>;
export async function answerOnce<R extends Refusal>(
  pool: Pool,
  scope: KeyScope | null,
  work: (tx: Tx) => Promise<StoredAnswer | R>,
): Promise<OnceAnswered | R>;
export async function answerOnce<R extends Refusal>(
  pool: Pool,
  scope: KeyScope | null,
  work: (tx: Tx) => Promise<StoredAnswer | R>,
  outcome: (tx: Tx) => Promise<StoredAnswer | null> = async () => null,
): Promise<OnceAnswered | R> {
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
        if ('refused' in answer) return answer;
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
