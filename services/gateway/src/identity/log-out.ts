import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { ACCESS_TOKEN_SECONDS } from './access-tokens.ts';
import { hashRefreshToken } from './refresh-token.ts';
import type { Revocations } from './revocations.ts';
import { revokeSessions } from './session-store.ts';

/** Ends the session of a refresh token, or every session of a user. Doing it twice, or with an unknown token, changes nothing. */
export async function logOut(
  deps: { pool: Pool; revocations: Revocations },
  which: { refreshToken: string } | { userId: UserId },
): Promise<void> {
  const accessDeadAtMs = Date.now() + ACCESS_TOKEN_SECONDS * 1000;
  const ended = await withTransaction(deps.pool, (tx) =>
    'userId' in which
      ? revokeSessions(tx, { userId: which.userId }, 'logout_all', accessDeadAtMs)
      : revokeSessions(tx, { tokenHash: hashRefreshToken(which.refreshToken) }, 'logout', accessDeadAtMs),
  );
  for (const sessionId of ended) deps.revocations.add(sessionId, accessDeadAtMs);
}
