import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { openSession, toOpenedSession, type OpenedSession } from './open-session.ts';
import type { PasswordHasher } from './password.ts';
import type { KeyRing } from './signing-keys.ts';
import type { Client } from './user.ts';
import { findUserByEmail } from './user-store.ts';

export type Login = ({ ok: true } & OpenedSession) | { ok: false; refusal: 'invalid_credentials' };

/** Signs a user in. An unknown address and a wrong password are one refusal and take the same time. `email` in lower case. */
export async function logIn(
  deps: { pool: Pool; hasher: PasswordHasher; keys: KeyRing },
  input: { email: string; password: string },
  client: Client,
): Promise<Login> {
  const user = await findUserByEmail(deps.pool, input.email);
  const fits = await deps.hasher.verify(input.password, user?.passwordHash ?? null);
  if (!user || !fits) return { ok: false, refusal: 'invalid_credentials' };
  const session = await withTransaction(deps.pool, (tx) => openSession(tx, user, client));
  return { ok: true, ...(await toOpenedSession(deps.keys, user, session)) };
}
