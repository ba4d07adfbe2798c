import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { accessDeadAtMs } from './access-tokens.ts';
import { hashRefreshToken } from './refresh-token.ts';
import type { Revocations } from './revocations.ts';
import { revokeSessions } from './session-store.ts';
import type { SessionId } from './user.ts';

/**
 * Ends the session of a refresh token, one session of a user, or every session of a user. Doing it twice, or with an unknown token,
 * changes nothing. Gives the sessions that were ended.
 */
export async function logOut(
  deps: { pool: Pool; revocations: Revocations },
  which: { refreshToken: string } | { userId: UserId; sessionId: SessionId } | { userId: UserId },
): Promise<readonly SessionId[]> {
  const deadAtMs = accessDeadAtMs();
  const ended = await withTransaction(deps.pool, (tx) => {
    if ('refreshToken' in which) {
      return revokeSessions(tx, { tokenHash: hashRefreshToken(which.refreshToken) }, 'logout', deadAtMs);
    }
    return revokeSessions(tx, which, 'sessionId' in which ? 'ended_by_user' : 'logout_all', deadAtMs);
  });
  for (const sessionId of ended) deps.revocations.add(sessionId, deadAtMs);
  return ended;
}
