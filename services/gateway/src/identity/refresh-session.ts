import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { ACCESS_TOKEN_SECONDS } from './access-tokens.ts';
import { toSessionAnswer, type SessionAnswer } from './open-session.ts';
import { hashRefreshToken } from './refresh-token.ts';
import type { Revocations } from './revocations.ts';
import { describeRefreshToken, insertRefreshToken, revokeSessions, useRefreshToken } from './session-store.ts';
import type { KeyRing } from './signing-keys.ts';
import type { SessionId } from './user.ts';
import { findUserById } from './user-store.ts';

export type Refresh =
  | { ok: true; session: SessionAnswer }
  | { ok: false; refusal: 'refresh_invalid' | 'refresh_reused'; revoked?: SessionId };

type Rotation =
  | { ok: true; sessionId: SessionId; userId: UserId }
  | { ok: false; refusal: 'refresh_invalid' | 'refresh_reused'; revoked?: SessionId };

/**
 * Exchanges a refresh token for a new pair. A token that was used before means that two parties hold it: the whole family ends,
 * except within 10 s of its use while the successor lies unused, which is a client that lost the answer and gets the same one.
 */
export async function refreshSession(
  deps: {
    pool: Pool;
    keys: KeyRing;
    revocations: Revocations;
    successorOf: (token: string) => string;
  },
  refreshToken: string,
): Promise<Refresh> {
  const successor = deps.successorOf(refreshToken);
  const accessDeadAtMs = Date.now() + ACCESS_TOKEN_SECONDS * 1000;
  // Returning commits: the revocation after a reuse must stay although the client is refused.
  const rotation = await withTransaction(deps.pool, (tx) => rotate(tx, refreshToken, successor, accessDeadAtMs));
  if (!rotation.ok) {
    if (rotation.revoked) deps.revocations.add(rotation.revoked, accessDeadAtMs);
    return rotation;
  }
  const user = await findUserById(deps.pool, rotation.userId);
  if (!user) return { ok: false, refusal: 'refresh_invalid' };
  const session = { sessionId: rotation.sessionId, refreshToken: successor };
  return { ok: true, session: await toSessionAnswer(deps.keys, user, session) };
}

async function rotate(tx: Tx, token: string, successor: string, accessDeadAtMs: number): Promise<Rotation> {
  const hash = hashRefreshToken(token);
  const used = await useRefreshToken(tx, hash);
  if (used) {
    await insertRefreshToken(tx, {
      hash: hashRefreshToken(successor),
      sessionId: used.sessionId,
      parentHash: hash,
    });
    return { ok: true, ...used };
  }
  const state = await describeRefreshToken(tx, hash);
  if (!state?.sessionLive || !state.used) return { ok: false, refusal: 'refresh_invalid' };
  if (state.retryable) return { ok: true, sessionId: state.sessionId, userId: state.userId };
  await revokeSessions(tx, { sessionId: state.sessionId }, 'refresh_reused', accessDeadAtMs);
  return { ok: false, refusal: 'refresh_reused', revoked: state.sessionId };
}
