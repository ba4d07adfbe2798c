import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import type { SessionId } from './user.ts';

export type RevocationReason = 'logout' | 'logout_all' | 'refresh_reused' | 'password_changed';

/** A session may be refreshed for 90 days; a refresh token that lies unused for 30 days is dead. */
const SESSION_LIFE = '90 days';
const REFRESH_LIFE = '30 days';

export async function insertSession(
  tx: Tx,
  session: { id: SessionId; userId: UserId; tokenHash: Buffer },
): Promise<void> {
  await tx.query(
    `insert into sessions (id, user_id, expires_at)
     values ($1, $2, clock.app_now() + interval '${SESSION_LIFE}')`,
    [session.id, session.userId],
  );
  await insertRefreshToken(tx, { hash: session.tokenHash, sessionId: session.id, parentHash: null });
}

export async function insertRefreshToken(
  tx: Tx,
  token: { hash: Buffer; sessionId: SessionId; parentHash: Buffer | null },
): Promise<void> {
  await tx.query(
    `insert into refresh_tokens (hash, session_id, parent_hash, expires_at)
     values ($1, $2, $3, clock.app_now() + interval '${REFRESH_LIFE}')`,
    [token.hash, token.sessionId, token.parentHash],
  );
}

/** Uses a token up, once for ever. Null when it is unknown, used, expired, or its session is over: `describeRefreshToken` tells. */
export async function useRefreshToken(tx: Tx, hash: Buffer): Promise<{ sessionId: SessionId; userId: UserId } | null> {
  const { rows } = await tx.query<{ session_id: SessionId; user_id: UserId }>(
    `update refresh_tokens as token
     set used_at = clock.app_now()
     from sessions as session
     where token.hash = $1
       and token.used_at is null
       and token.expires_at > clock.app_now()
       and session.id = token.session_id
       and session.revoked_at is null
       and session.expires_at > clock.app_now()
     returning token.session_id, session.user_id`,
    [hash],
  );
  return rows[0] ? { sessionId: rows[0].session_id, userId: rows[0].user_id } : null;
}

export interface RefreshTokenState {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly sessionLive: boolean;
  readonly used: boolean;
  /** It was used within the last 10 s and its successor was not: a client that lost the answer and asks again. */
  readonly retryable: boolean;
}

export async function describeRefreshToken(tx: Tx, hash: Buffer): Promise<RefreshTokenState | null> {
  const { rows } = await tx.query<{
    session_id: SessionId;
    user_id: UserId;
    session_live: boolean;
    used: boolean;
    retryable: boolean;
  }>(
    `select token.session_id,
            session.user_id,
            session.revoked_at is null and session.expires_at > clock.app_now() as session_live,
            token.used_at is not null as used,
            coalesce(token.used_at > clock.app_now() - interval '10 seconds' and successor.used_at is null, false) as retryable
     from refresh_tokens as token
     join sessions as session on session.id = token.session_id
     left join refresh_tokens as successor on successor.parent_hash = token.hash
     where token.hash = $1`,
    [hash],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    sessionLive: row.session_live,
    used: row.used,
    retryable: row.retryable,
  };
}

/** Ends sessions. Those that are over already keep their first reason. `accessDeadAtMs`: wall clock. */
export async function revokeSessions(
  tx: Tx,
  which: { sessionId: SessionId } | { userId: UserId } | { tokenHash: Buffer },
  reason: RevocationReason,
  accessDeadAtMs: number,
): Promise<SessionId[]> {
  const [condition, value] =
    'sessionId' in which
      ? ['id = $1', which.sessionId]
      : 'userId' in which
        ? ['user_id = $1', which.userId]
        : ['id = (select session_id from refresh_tokens where hash = $1)', which.tokenHash];
  const { rows } = await tx.query<{ id: SessionId }>(
    `update sessions
     set revoked_at = clock.app_now(), revoked_reason = $2, access_dead_at = $3
     where ${condition}
       and revoked_at is null
     returning id`,
    [value, reason, new Date(accessDeadAtMs)],
  );
  return rows.map((row) => row.id);
}

/** Revoked sessions of which an access token may still run at `nowMs` (wall clock). */
export async function listRevokedSessions(
  db: Queryable,
  nowMs: number,
): Promise<{ sessionId: SessionId; accessDeadAtMs: number }[]> {
  const { rows } = await db.query<{ id: SessionId; access_dead_at: Date }>(
    `select id, access_dead_at
     from sessions
     where revoked_at is not null
       and access_dead_at > $1`,
    [new Date(nowMs)],
  );
  return rows.map((row) => ({ sessionId: row.id, accessDeadAtMs: row.access_dead_at.getTime() }));
}
