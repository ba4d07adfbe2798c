import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type RequestId } from '@holdfast/shared/ids';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { checkNewPassword } from './check-password.ts';
import { mailToken } from './mail-token.ts';
import { openSession, toOpenedSession, type OpenedSession } from './open-session.ts';
import type { PasswordHasher } from './password.ts';
import type { KeyRing } from './signing-keys.ts';
import type { Account, Client } from './user.ts';
import { insertUser } from './user-store.ts';

export type Registration = ({ ok: true } & OpenedSession) | { ok: false; refusal: 'email_taken' };

/**
 * Makes a customer, signs it in and has the verification mail sent, or none of it. `email` in lower case.
 * @throws Problem `validation_failed` for a password that is easily guessed.
 */
export async function registerUser(
  deps: { pool: Pool; hasher: PasswordHasher; keys: KeyRing; sealer: Sealer; nudgeRelay: () => void },
  input: { email: string; password: string; name: string },
  client: Client,
  requestId: RequestId,
): Promise<Registration> {
  checkNewPassword(input.password, input.email);
  const user: Account = {
    id: newId('usr'),
    email: input.email,
    name: input.name,
    role: 'customer',
    emailVerified: false,
  };
  const passwordHash = await deps.hasher.hash(input.password);
  const session = await withTransaction(deps.pool, async (tx) => {
    if (!(await insertUser(tx, user, passwordHash))) return null;
    await mailToken(tx, deps.sealer, user, 'verify_email', requestId);
    return openSession(tx, user, client);
  });
  if (!session) return { ok: false, refusal: 'email_taken' };
  deps.nudgeRelay();
  return { ok: true, ...(await toOpenedSession(deps.keys, user, session)) };
}
