import type { Pool } from '@holdfast/shared/db/pool';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { listLiveSessions, type SessionRow } from './session-store.ts';
import type { SessionId, SignedIn } from './user.ts';

/** A page of the caller's live sessions, newest first. @throws Problem `validation_failed` for a bad cursor. */
export async function listSessions(
  deps: { pool: Pool },
  signedIn: SignedIn,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<ReturnType<typeof toSessionJson>>> {
  const before = decodeCursor(query.cursor, 1)?.[0] ?? null;
  const rows = await listLiveSessions(deps.pool, { userId: signedIn.user.id, before, limit: query.limit });
  return toPage(
    rows,
    query.limit,
    (row) => toSessionJson(row, signedIn.sessionId),
    (row) => [row.id],
  );
}

function toSessionJson(row: SessionRow, current: SessionId) {
  return {
    id: row.id,
    object: 'session' as const,
    device: row.user_agent,
    address: row.address,
    current: row.id === current,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
  };
}
