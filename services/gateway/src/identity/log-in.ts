import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { openSession, toSessionAnswer, type SessionAnswer } from './open-session.ts';
import type { PasswordHasher } from './password.ts';
import type { KeyRing } from './signing-keys.ts';
import { findUserByEmail } from './user-store.ts';

export type Login = { ok: true; session: SessionAnswer } | { ok: false; refusal: 'invalid_credentials' };

/** Signs a user in. An unknown address and a wrong password are one refusal and take the same time. `email` in lower case. */
export async function logIn(
  deps: { pool: Pool; hasher: PasswordHasher; keys: KeyRing },
  input: { email: string; password: string },
): Promise<Login> {
  const user = await findUserByEmail(deps.pool, input.email);
  const fits = await deps.hasher.verify(input.password, user?.passwordHash ?? null);
  if (!user || !fits) return { ok: false, refusal: 'invalid_credentials' };
  const session = await withTransaction(deps.pool, (tx) => openSession(tx, user));
  return { ok: true, session: await toSessionAnswer(deps.keys, user, session) };
}
