import type { Queryable, Tx } from '@holdfast/shared/db/transaction';
import type { AuditId } from '@holdfast/shared/ids';

export interface AuditRow {
  readonly id: AuditId;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly action:
    | 'create'
    | 'update'
    | 'archive'
    | 'restore'
    | 'cancel'
    | 'reschedule'
    | 'retry'
    | 'compensate'
    | 'resolve'
    | 'rotate';
  readonly entity_kind: string;
  readonly entity_id: string;
  readonly before: object | null;
  readonly after: object;
  readonly request_id: string;
  /** In the words of whoever did it, where the action asks for one. */
  readonly reason: string | null;
}

export async function insertAudit(tx: Tx, entry: Omit<AuditRow, 'at'>): Promise<void> {
  await tx.query(
    `insert into audit_log (id, at, actor, role, action, entity_kind, entity_id, before, after, request_id, reason)
     values ($1, clock.app_now(), $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10)`,
    [
      entry.id,
      entry.actor,
      entry.role,
      entry.action,
      entry.entity_kind,
      entry.entity_id,
      entry.before && JSON.stringify(entry.before),
      JSON.stringify(entry.after),
      entry.request_id,
      entry.reason,
    ],
  );
}

/** Newest first, one row more than `limit`. */
export async function listAuditRows(
  db: Queryable,
  request: { entity: string | null; before: string | null; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select id, at, actor, role, action, entity_kind, entity_id, before, after, request_id, reason
       from audit_log
      where ($1::text is null or entity_id = $1)
        and ($2::text is null or id < $2)
      order by id desc
      limit $3::int + 1`,
    [request.entity, request.before, request.limit],
  );
  return rows;
}
