import type { Response } from 'express';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import { Problem } from '@holdfast/shared/problems';
import type { CatalogueDeps } from './catalogue-deps.ts';

export interface OnceAnswered {
  readonly answer: StoredAnswer;
  /** Whether the answer is that of an earlier call with the same key. */
  readonly replayed: boolean;
}

/**
 * Runs a change in one transaction together with the record of its Idempotency-Key: the stored answer where the key was used before,
 * else what `work` answers. A refusal leaves neither an effect nor a key. @throws Problem `idempotency_in_progress` or
 * `idempotency_key_reused`.
 */
export async function carryOutOnce<R extends { readonly refused: string }>(
  deps: CatalogueDeps,
  scope: KeyScope | null,
  work: (tx: Tx) => Promise<StoredAnswer | R>,
): Promise<OnceAnswered | R> {
  let waitsForKey = false;
  try {
    return await withTransaction(
      deps.pool,
      async (tx) => {
        if (scope) {
          waitsForKey = true;
          await lockKey(tx, scope);
          waitsForKey = false;
          const stored = await findAnswer(tx, scope);
          if (stored) return { answer: stored.answer, replayed: true };
        }
        const answer = await work(tx);
        if ('refused' in answer) return answer;
        if (scope) await storeAnswer(tx, scope, answer);
        return { answer, replayed: false };
      },
      // Each attempt waits for a lock for a second at most: two are the 2 s that a caller with the same key is kept waiting.
      { attempts: 2 },
    );
  } catch (error) {
    if (waitsForKey && isLockTimeout(error)) throw new Problem('idempotency_in_progress');
    throw error;
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

/** Sends what `carryOutOnce` gave. */
export function sendStored(res: Response, { answer, replayed }: OnceAnswered): void {
  res
    .status(answer.status)
    .set(answer.headers)
    .set(replayed ? { 'Idempotent-Replayed': 'true' } : {})
    .type('application/json')
    .send(answer.body);
}
