import type { Tx } from '../db/transaction.ts';
import type { SignedInCaller } from '../http/caller.ts';
import { newId } from '../ids.ts';
import { insertAudit } from './audit-store.ts';

/** Who acts, as far as the log keeps it. */
export type Actor = Pick<SignedInCaller, 'userId' | 'role' | 'requestId'>;

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
  actor: Actor,
  entry: {
    /** A verb in lower case. */
    readonly action: string;
    readonly before: AuditedObject | null;
    readonly after: AuditedObject;
    readonly reason: string | null;
  },
): Promise<void> {
  const { action, before, after, reason } = entry;
  await insertAudit(tx, {
    id: newId('aud'),
    actor: actor.userId,
    role: actor.role,
    action,
    entity_kind: after.object,
    entity_id: after.id,
    before,
    after,
    request_id: actor.requestId,
    reason,
  });
}
