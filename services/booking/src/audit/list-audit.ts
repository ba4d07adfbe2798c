import type { Queryable } from '@holdfast/shared/db/transaction';
import { decodeCursor, toPage, type Page } from '@holdfast/shared/http/pagination';
import { listAuditRows, type AuditRow } from './audit-store.ts';

/** A page of the audit log, newest first, of one object or of all. @throws Problem `validation_failed` for a bad cursor. */
export async function listAudit(
  db: Queryable,
  query: { entity?: string | undefined; limit: number; cursor?: string | undefined },
): Promise<Page<ReturnType<typeof toAuditJson>>> {
  const before = decodeCursor(query.cursor, 1)?.[0] ?? null;
  const rows = await listAuditRows(db, { entity: query.entity ?? null, before, limit: query.limit });
  return toPage(rows, query.limit, toAuditJson, (row) => [row.id]);
}

function toAuditJson(row: AuditRow) {
  return {
    id: row.id,
    object: 'audit_entry' as const,
    at: row.at.toISOString(),
    actor: row.actor,
    role: row.role,
    action: row.action,
    entity: { kind: row.entity_kind, id: row.entity_id },
    before: row.before,
    after: row.after,
    reason: row.reason,
    request_id: row.request_id,
  };
}
