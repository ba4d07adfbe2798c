import type { Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';

export type Purpose = 'verify_email' | 'reset_password';

const LIFE: Record<Purpose, string> = { verify_email: '48 hours', reset_password: '1 hour' };

/** Resolves with the moment when it expires. */
export async function insertMailedToken(
  tx: Tx,
  token: { hash: Buffer; userId: UserId; purpose: Purpose; email: string },
): Promise<Date> {
  const { rows } = await tx.query<{ expires_at: Date }>(
    `insert into one_time_tokens (hash, user_id, purpose, email, expires_at)
     values ($1, $2, $3, $4, clock.app_now() + interval '${LIFE[token.purpose]}')
     returning expires_at`,
    [token.hash, token.userId, token.purpose, token.email],
  );
  return rows[0]!.expires_at;
}

/** Uses a token up. Null when it is unknown, used, expired or of another purpose. */
export async function useMailedToken(
  tx: Tx,
  hash: Buffer,
  purpose: Purpose,
): Promise<{ userId: UserId; email: string } | null> {
  const { rows } = await tx.query<{ user_id: UserId; email: string }>(
    `update one_time_tokens
     set used_at = clock.app_now()
     where hash = $1
       and purpose = $2
       and used_at is null
       and expires_at > clock.app_now()
     returning user_id, email`,
    [hash, purpose],
  );
  return rows[0] ? { userId: rows[0].user_id, email: rows[0].email } : null;
}

/** The others of a purpose lead nowhere once one was used. */
export async function voidMailedTokens(tx: Tx, userId: UserId, purpose: Purpose): Promise<void> {
  await tx.query(
    `update one_time_tokens
     set used_at = clock.app_now()
     where user_id = $1
       and purpose = $2
       and used_at is null`,
    [userId, purpose],
  );
}

/** Whether a token of this purpose was sent within the last minute. */
export async function wasMailedLately(tx: Tx, userId: UserId, purpose: Purpose): Promise<boolean> {
  const { rows } = await tx.query<{ lately: boolean }>(
    `select exists (
       select from one_time_tokens
       where user_id = $1
         and purpose = $2
         and created_at > clock.app_now() - interval '1 minute') as lately`,
    [userId, purpose],
  );
  return rows[0]!.lately;
}

/** Forgets tokens that are long dead, at most 1,000 at a time. */
export async function deleteOldTokens(tx: Tx): Promise<void> {
  await tx.query(
    `delete from one_time_tokens
     where hash in (
       select hash from one_time_tokens
       where expires_at < clock.app_now() - interval '7 days'
       limit 1000)`,
  );
}
