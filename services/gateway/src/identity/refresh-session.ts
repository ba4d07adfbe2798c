import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { failpoint } from '@holdfast/shared/failpoints';
import type { UserId } from '@holdfast/shared/ids';
import { accessDeadAtMs } from './access-tokens.ts';
import { toOpenedSession, type OpenedSession } from './open-session.ts';
import { hashClient, hashRefreshToken, type SuccessorsOf } from './refresh-token.ts';
import type { Revocations } from './revocations.ts';
import {
  describeRefreshToken,
  insertRefreshToken,
  revokeSessions,
  touchSession,
  useRefreshToken,
} from './session-store.ts';
import type { KeyRing } from './signing-keys.ts';
import type { Client, SessionId } from './user.ts';
import { findUserById } from './user-store.ts';

interface Refused {
  readonly ok: false;
  readonly refusal: 'refresh_invalid' | 'refresh_reused';
  /** The session that was ended because its token was used twice. */
  readonly revoked?: SessionId;
}

export type Refresh = ({ ok: true } & OpenedSession) | Refused;

type Rotation = { ok: true; sessionId: SessionId; userId: UserId; successor: string } | Refused;

/**
 * Exchanges a refresh token for a new pair. A token that was used before means that two parties hold it: the whole family ends,
 * except within 10 s of its use while the successor lies unused, which is a client that lost the answer and gets the same one.
 */
export async function refreshSession(
  deps: {
    pool: Pool;
    keys: KeyRing;
    revocations: Revocations;
    successorsOf: SuccessorsOf;
  },
  refreshToken: string,
  client: Client,
): Promise<Refresh> {
  const deadAtMs = accessDeadAtMs();
  // Returning commits: the revocation after a reuse must stay although the client is refused.
  const rotation = await withTransaction(deps.pool, (tx) =>
    rotate(tx, { token: refreshToken, successors: deps.successorsOf(refreshToken), client, deadAtMs }),
  );
  failpoint('gateway.refresh.after_commit');
  if (!rotation.ok) {
    if (rotation.revoked) deps.revocations.add(rotation.revoked, deadAtMs);
    return rotation;
  }
  const user = await findUserById(deps.pool, rotation.userId);
  if (!user) return { ok: false, refusal: 'refresh_invalid' };
  const session = { sessionId: rotation.sessionId, refreshToken: rotation.successor };
  return { ok: true, ...(await toOpenedSession(deps.keys, user, session)) };
}

async function rotate(
  tx: Tx,
  request: { token: string; successors: readonly string[]; client: Client; deadAtMs: number },
): Promise<Rotation> {
  const hash = hashRefreshToken(request.token);
  const usedBy = hashClient(request.client);
  const used = await useRefreshToken(tx, hash, usedBy);
  if (used) {
    const successor = request.successors[0]!;
    await insertRefreshToken(tx, {
      hash: hashRefreshToken(successor),
      sessionId: used.sessionId,
      parentHash: hash,
    });
    await touchSession(tx, used.sessionId, request.client);
    return { ok: true, ...used, successor };
  }
  const state = await describeRefreshToken(tx, hash, usedBy);
  if (!state?.sessionLive || !state.used) return { ok: false, refusal: 'refresh_invalid' };
  if (state.retryable) {
    const { successorHash } = state;
    const successor = request.successors.find((token) => successorHash?.equals(hashRefreshToken(token)));
    // The secret that made it is gone: nobody can tell it again.
    if (successor === undefined) return { ok: false, refusal: 'refresh_invalid' };
    return { ok: true, sessionId: state.sessionId, userId: state.userId, successor };
  }
  await revokeSessions(tx, { sessionId: state.sessionId }, 'refresh_reused', request.deadAtMs);
  return { ok: false, refusal: 'refresh_reused', revoked: state.sessionId };
}
