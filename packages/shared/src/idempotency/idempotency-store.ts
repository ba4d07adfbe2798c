import type { Queryable, Tx } from '../db/transaction.ts';
import type { UserId } from '../ids.ts';
import { Problem } from '../problems.ts';

/** An HTTP answer as it is stored and replayed, to the letter. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface StoredKey {
  readonly fingerprint: string;
  readonly answer: StoredAnswer;
  /** False for a 202 whose outcome was still open when it was stored. */
  readonly final: boolean;
  readonly context: unknown;
}

export interface KeyScope {
  readonly userId: UserId;
  readonly key: string;
  readonly fingerprint: string;
}

/** The stored answer of a key, or null for a new one. @throws Problem `idempotency_key_reused` when it stood for another request. */
export async function findAnswer(db: Queryable, scope: KeyScope): Promise<StoredKey | null> {
  const { rows } = await db.query<{
    fingerprint: string;
    status: number;
    headers: Record<string, string>;
    body: string;
    final: boolean;
    context: unknown;
  }>(
    `select fingerprint, status, headers, body, final, context
       from idempotency_keys
      where user_id = $1 and key = $2`,
    [scope.userId, scope.key],
  );
  const row = rows[0];
  if (!row) return null;
  if (row.fingerprint !== scope.fingerprint) throw new Problem('idempotency_key_reused');
  return {
    fingerprint: row.fingerprint,
    answer: { status: row.status, headers: row.headers, body: row.body },
    final: row.final,
    context: row.context,
  };
}

/**
 * Waits for other callers with the same key in this transaction's lifetime: the loser of two parallel first calls blocks here and
 * then finds the winner's answer. Advisory, so that it needs no row to exist.
 */
export async function lockKey(tx: Tx, scope: KeyScope): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${scope.userId}/${scope.key}`]);
}

/** Stores the answer of a first call, in the transaction of its effect. */
export async function storeAnswer(
  tx: Tx,
  scope: KeyScope,
  answer: StoredAnswer,
  open?: { readonly context: unknown },
): Promise<void> {
  await tx.query(
    `insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, final, context)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      scope.userId,
      scope.key,
      scope.fingerprint,
      answer.status,
      JSON.stringify(answer.headers),
      answer.body,
      open === undefined,
      open === undefined ? null : JSON.stringify(open.context),
    ],
  );
}

/** Turns a stored 202 into its final answer, once; returns what is stored afterwards, which may be another caller's upgrade. */
export async function upgradeAnswer(db: Queryable, scope: KeyScope, answer: StoredAnswer): Promise<StoredAnswer> {
  await db.query(
    `update idempotency_keys
        set status = $3, headers = $4, body = $5, final = true
      where user_id = $1 and key = $2 and not final`,
    [scope.userId, scope.key, answer.status, JSON.stringify(answer.headers), answer.body],
  );
  return (await findAnswer(db, scope))?.answer ?? answer;
}
