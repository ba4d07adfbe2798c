import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { RequestId, UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { accessDeadAtMs } from './access-tokens.ts';
import { announceAccount } from './announce-account.ts';
import { checkNewPassword } from './check-password.ts';
import { hashMailedToken } from './mailed-token.ts';
import { useMailedToken, voidMailedTokens } from './mailed-token-store.ts';
import type { PasswordHasher } from './password.ts';
import type { Revocations } from './revocations.ts';
import { revokeSessions } from './session-store.ts';
import { findUserById, markEmailVerified, setPassword } from './user-store.ts';

/**
 * Gives a user the new password, ends all its sessions and tells it so by mail. The token came to the address, so that is verified too.
 * @throws Problem `mailed_token_invalid`, or `validation_failed` for a password that is easily guessed (the token stays good then).
 */
export async function resetPassword(
  deps: { pool: Pool; hasher: PasswordHasher; revocations: Revocations; nudgeRelay: () => void },
  input: { token: string; password: string },
  requestId: RequestId,
): Promise<UserId> {
  checkNewPassword(input.password, '');
  // Hashed before the transaction: it takes its time, also for a token that turns out to be wrong.
  const passwordHash = await deps.hasher.hash(input.password);
  const deadAtMs = accessDeadAtMs();
  const { userId, ended } = await withTransaction(deps.pool, async (tx) => {
    const used = await useMailedToken(tx, hashMailedToken(input.token), 'reset_password');
    const user = used && (await findUserById(tx, used.userId));
    if (!used || !user || user.email !== used.email) throw new Problem('mailed_token_invalid');
    checkNewPassword(input.password, user.email);
    await voidMailedTokens(tx, user.id, 'reset_password');
    await setPassword(tx, user.id, passwordHash);
    await markEmailVerified(tx, user.id, user.email);
    const sessions = await revokeSessions(tx, { userId: user.id }, 'password_changed', deadAtMs);
    const contact = { email: user.email, name: user.name };
    await announceAccount(tx, 'password_changed', user, { user_id: user.id, contact }, requestId);
    return { userId: user.id, ended: sessions };
  });
  for (const sessionId of ended) deps.revocations.add(sessionId, deadAtMs);
  deps.nudgeRelay();
  return userId;
}
