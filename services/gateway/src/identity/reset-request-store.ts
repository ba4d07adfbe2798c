import type { Queryable, Tx } from '@holdfast/shared/db/transaction';

export async function insertResetRequest(db: Queryable, email: string, requestId: string): Promise<void> {
  await db.query(
    `insert into password_reset_requests (email, request_id)
     values ($1, $2)
     on conflict (email) do nothing`,
    [email, requestId],
  );
}

/** Takes requests out, oldest first; those that another gateway has in hand are left to it. */
export async function takeResetRequests(tx: Tx, limit: number): Promise<{ email: string; requestId: string }[]> {
  const { rows } = await tx.query<{ email: string; request_id: string }>(
    `delete from password_reset_requests
     where email in (
       select email from password_reset_requests
       order by requested_at, email
       limit $1
       for update skip locked)
     returning email, request_id`,
    [limit],
  );
  return rows.map((row) => ({ email: row.email, requestId: row.request_id }));
}
