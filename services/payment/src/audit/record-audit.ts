import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { newId } from '@holdfast/shared/ids';

/** Who acts, as far as the log keeps it. */
export type Actor = Pick<SignedInCaller, 'userId' | 'role' | 'requestId'>;

/** An object as the API shows it. */
interface AuditedObject {
  readonly id: string;
  readonly object: string;
}

/** Writes down what an operator did by hand, and why; in the transaction of the change, so that neither is without the other. */
export async function recordAudit(
  tx: Tx,
  actor: Actor,
  entry: {
    readonly action: 'refund' | 'resolve' | 'reconcile';
    readonly before: AuditedObject | null;
    readonly after: AuditedObject;
    readonly reason: string | null;
  },
): Promise<void> {
  const { action, before, after, reason } = entry;
  await tx.query(
    `insert into audit_log (id, actor, role, action, entity_kind, entity_id, before, after, request_id, reason)
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb, $9, $10)`,
    [
      newId('aud'),
      actor.userId,
      actor.role,
      action,
      after.object,
      after.id,
      before && JSON.stringify(before),
      JSON.stringify(after),
      actor.requestId,
      reason,
    ],
  );
}
