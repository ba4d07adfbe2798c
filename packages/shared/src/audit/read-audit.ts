import type { AuditEntryJson, OwnAuditQuery } from '../contracts/audit.ts';
import type { Queryable } from '../db/transaction.ts';
import { decodeCursor, toPage, type Page } from '../http/pagination.ts';
import { isId, type AuditId } from '../ids.ts';
import { Problem } from '../problems.ts';
import { findAuditRow, listAuditRows, type AuditRow } from './audit-store.ts';

/** A page of this service's log, newest first, of one object, of one actor, or of all. @throws Problem `validation_failed` for a bad cursor. */
export async function listAudit(db: Queryable, service: string, query: OwnAuditQuery): Promise<Page<AuditEntryJson>> {
  const rows = await listAuditRows(db, {
    entity: query.entity ?? null,
    actor: query.actor ?? null,
    before: decodeCursor(query.cursor, 1)?.[0] ?? null,
    limit: query.limit,
  });
  return toPage(
    rows,
    query.limit,
    (row) => toJson(service, row),
    (row) => [row.id],
  );
}

/** One entry. @throws Problem `not_found`, for a malformed id too. */
export async function readAuditEntry(db: Queryable, service: string, id: string): Promise<AuditEntryJson> {
  const row = isId('aud', id) ? await findAuditRow(db, id) : null;
  if (!row) throw new Problem('not_found');
  return toJson(service, row);
}

function toJson(service: string, row: AuditRow): AuditEntryJson {
  return {
    id: row.id as AuditId,
    object: 'audit_entry',
    service,
    at: row.at.toISOString(),
    actor: row.actor,
    role: row.role,
    action: row.action,
    entity: { kind: row.entity_kind, id: row.entity_id },
    before: row.before,
    after: row.after,
    reason: row.reason,
    request_id: row.request_id,
    chain: row.seq === null ? null : { seq: row.seq, hash: row.hash! },
  };
}
