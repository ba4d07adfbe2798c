import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { openSession, toSessionAnswer, type SessionAnswer } from './open-session.ts';
import type { PasswordHasher } from './password.ts';
import type { KeyRing } from './signing-keys.ts';
import { insertUser, type UserWithPassword } from './user-store.ts';

export type Registration = { ok: true; session: SessionAnswer } | { ok: false; refusal: 'email_taken' };

/** Makes a customer and signs it in, or neither. `email` in lower case. */
export async function registerUser(
  deps: { pool: Pool; hasher: PasswordHasher; keys: KeyRing },
  input: { email: string; password: string; name: string },
): Promise<Registration> {
  const user: UserWithPassword = {
    id: newId('usr'),
    email: input.email,
    name: input.name,
    role: 'customer',
    passwordHash: await deps.hasher.hash(input.password),
  };
  const session = await withTransaction(deps.pool, async (tx) =>
    (await insertUser(tx, user)) ? openSession(tx, user) : null,
  );
  if (!session) return { ok: false, refusal: 'email_taken' };
  return { ok: true, session: await toSessionAnswer(deps.keys, user, session) };
}
