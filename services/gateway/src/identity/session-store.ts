import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import type { Client, SessionId } from './user.ts';

export type RevocationReason = 'logout' | 'logout_all' | 'refresh_reused' | 'password_changed' | 'ended_by_user';

/** A session may be refreshed for 90 days; a refresh token that lies unused for 30 days is dead. */
const SESSION_LIFE = '90 days';
const REFRESH_LIFE = '30 days';

export async function insertSession(
  tx: Tx,
  session: { id: SessionId; userId: UserId; tokenHash: Buffer; client: Client },
): Promise<void> {
  await tx.query(
    `insert into sessions (id, user_id, expires_at, user_agent, address)
     values ($1, $2, clock.app_now() + interval '${SESSION_LIFE}', $3, $4)`,
    [session.id, session.userId, session.client.userAgent, session.client.address],
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

/**
 * Uses a token up, once for ever, and notes by whom. Null when it is unknown, used, expired, or its session is over:
 * `describeRefreshToken` tells.
 */
export async function useRefreshToken(
  tx: Tx,
  hash: Buffer,
  usedBy: Buffer,
): Promise<{ sessionId: SessionId; userId: UserId } | null> {
  const { rows } = await tx.query<{ session_id: SessionId; user_id: UserId }>(
    `update refresh_tokens as token
     set used_at = clock.app_now(), used_by = $2
     from sessions as session
     where token.hash = $1
       and token.used_at is null
       and token.expires_at > clock.app_now()
       and session.id = token.session_id
       and session.revoked_at is null
       and session.expires_at > clock.app_now()
     returning token.session_id, session.user_id`,
    [hash, usedBy],
  );
  return rows[0] ? { sessionId: rows[0].session_id, userId: rows[0].user_id } : null;
}

export interface RefreshTokenState {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly sessionLive: boolean;
  readonly used: boolean;
  /** It was used within the last 10 s by this client and its successor was not: a client that lost the answer and asks again. */
  readonly retryable: boolean;
  readonly successorHash: Buffer | null;
}

export async function describeRefreshToken(tx: Tx, hash: Buffer, usedBy: Buffer): Promise<RefreshTokenState | null> {
  const { rows } = await tx.query<{
    session_id: SessionId;
    user_id: UserId;
    session_live: boolean;
    used: boolean;
    retryable: boolean;
    successor_hash: Buffer | null;
  }>(
    `select token.session_id,
            session.user_id,
            session.revoked_at is null and session.expires_at > clock.app_now() as session_live,
            token.used_at is not null as used,
            coalesce(token.used_at > clock.app_now() - interval '10 seconds'
                     and successor.used_at is null
                     and (token.used_by is null or token.used_by = $2), false) as retryable,
            successor.hash as successor_hash
     from refresh_tokens as token
     join sessions as session on session.id = token.session_id
     left join refresh_tokens as successor on successor.parent_hash = token.hash
     where token.hash = $1`,
    [hash, usedBy],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    sessionLive: row.session_live,
    used: row.used,
    retryable: row.retryable,
    successorHash: row.successor_hash,
  };
}

/** Notes where a session was used last. */
export async function touchSession(tx: Tx, id: SessionId, client: Client): Promise<void> {
  await tx.query(
    `update sessions
     set last_used_at = clock.app_now(), user_agent = $2, address = $3
     where id = $1`,
    [id, client.userAgent, client.address],
  );
}

/** Ends sessions. Those that are over already keep their first reason. `accessDeadAtMs`: wall clock. */
export async function revokeSessions(
  tx: Tx,
  which: { sessionId: SessionId; userId?: UserId } | { userId: UserId } | { tokenHash: Buffer },
  reason: RevocationReason,
  accessDeadAtMs: number,
): Promise<SessionId[]> {
  const { rows } = await tx.query<{ id: SessionId }>(
    `update sessions
     set revoked_at = clock.app_now(), revoked_reason = $4, access_dead_at = $5
     where ($1::text is null or id = $1)
       and ($2::text is null or user_id = $2)
       and ($3::bytea is null or id = (select session_id from refresh_tokens where hash = $3))
       and num_nonnulls($1::text, $2::text, $3::bytea) > 0
       and revoked_at is null
     returning id`,
    [
      'sessionId' in which ? which.sessionId : null,
      'userId' in which ? (which.userId ?? null) : null,
      'tokenHash' in which ? which.tokenHash : null,
      reason,
      new Date(accessDeadAtMs),
    ],
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

export interface SessionRow {
  readonly id: SessionId;
  readonly user_agent: string | null;
  readonly address: string | null;
  readonly created_at: Date;
  readonly last_used_at: Date;
  readonly expires_at: Date;
}

/** The live sessions of a user, newest first, one row more than `limit`. `before`: the id of the last one that was shown. */
export async function listLiveSessions(
  db: Queryable,
  page: { userId: UserId; before: string | null; limit: number },
): Promise<SessionRow[]> {
  const { rows } = await db.query<SessionRow>(
    `select id, user_agent, address, created_at, last_used_at, expires_at
     from sessions
     where user_id = $1
       and revoked_at is null
       and expires_at > clock.app_now()
       and ($2::text is null or id < $2)
     order by id desc
     limit $3::int + 1`,
    [page.userId, page.before, page.limit],
  );
  return rows;
}
