import type { Tx } from '@holdfast/shared/db/transaction';
import type { AuditId } from '@holdfast/shared/ids';

export interface AuditEntry {
  readonly id: AuditId;
  readonly actor: string;
  readonly role: string;
  readonly action: 'change_role' | 'rotate_signing_key';
  readonly entityKind: string;
  readonly entityId: string;
  readonly before: object | null;
  readonly after: object;
  readonly requestId: string;
}

export async function insertAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  await tx.query(
    `insert into audit_log (id, at, actor, role, action, entity_kind, entity_id, before, after, request_id)
     values ($1, clock.app_now(), $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9)`,
    [
      entry.id,
      entry.actor,
      entry.role,
      entry.action,
      entry.entityKind,
      entry.entityId,
      entry.before && JSON.stringify(entry.before),
      JSON.stringify(entry.after),
      entry.requestId,
    ],
  );
}
