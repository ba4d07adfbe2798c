import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId } from '@holdfast/shared/ids';
import { insertAudit, type AuditRow } from './audit-store.ts';

/** An object as the API shows it. */
export interface AuditedObject {
  readonly id: string;
  readonly object: string;
}

/**
 * Writes down who changed an object, how it was before, and why where the action asks for a reason; in the transaction of the change,
 * so that neither is without the other.
 */
export async function recordAudit(
  tx: Tx,
  caller: SignedInCaller,
  action: AuditRow['action'],
  before: AuditedObject | null,
  after: AuditedObject,
  reason: string | null = null,
): Promise<void> {
  await insertAudit(tx, {
    id: newId('aud'),
    actor: caller.userId,
    role: caller.role,
    action,
    entity_kind: after.object,
    entity_id: after.id,
    before,
    after,
    request_id: caller.requestId,
    reason,
  });
}
