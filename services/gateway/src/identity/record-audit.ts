import { insertAudit } from '@holdfast/shared/audit/audit-store';
import type { Tx } from '@holdfast/shared/db/transaction';
import { newId, type RequestId } from '@holdfast/shared/ids';
import type { User } from './user.ts';

/** Writes down who changed something about accounts and how it was before; in the transaction of the change. */
export async function recordAudit(
  tx: Tx,
  change: {
    actor: User;
    requestId: RequestId;
    action: 'change_role' | 'rotate_signing_key';
    entity: { kind: string; id: string };
    before: object | null;
    after: object;
  },
): Promise<void> {
  await insertAudit(tx, {
    id: newId('aud'),
    actor: change.actor.id,
    role: change.actor.role,
    action: change.action,
    entity_kind: change.entity.kind,
    entity_id: change.entity.id,
    before: change.before,
    after: change.after,
    request_id: change.requestId,
    reason: null,
  });
}
