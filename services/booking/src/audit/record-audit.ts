import { recordAudit as record, type AuditedObject } from '@holdfast/shared/audit/record-audit';
import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';

type Action =
  | 'create'
  | 'update'
  | 'archive'
  | 'restore'
  | 'undo'
  | 'cancel'
  | 'reschedule'
  | 'retry'
  | 'compensate'
  | 'resolve'
  | 'rotate';

/**
 * Writes down who changed an object, how it was before, and why where the action asks for a reason; in the transaction of the change,
 * so that neither is without the other.
 */
export function recordAudit(
  tx: Tx,
  caller: SignedInCaller,
  action: Action,
  before: AuditedObject | null,
  after: AuditedObject,
  reason: string | null = null,
): Promise<void> {
  return record(tx, caller, { action, before, after, reason });
}
