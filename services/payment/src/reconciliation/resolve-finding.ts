import { recordAudit, type Actor } from '@holdfast/shared/audit/record-audit';
import type { Pool } from '@holdfast/shared/db/pool';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import { lockFinding, resolveRow } from './finding-store.ts';
import { toFindingJson } from './list-findings.ts';

export interface ResolveCommand {
  readonly id: bigint;
  readonly reason: string;
  readonly actor: Actor;
  readonly scope: KeyScope | null;
}

/** `finding_closed`: it is not open, or not any more. */
export type ResolveRefusal = { readonly refused: 'not_found' | 'finding_closed' };

/**
 * Notes that a person has dealt with a finding, with their reason, in the audit log as well. Nothing is moved: what there was to do
 * was done at the provider, by a refund, or nothing.
 */
export function resolveFinding(pool: Pool, command: ResolveCommand): Promise<OnceAnswered | ResolveRefusal> {
  return answerOnce<ResolveRefusal>(pool, command.scope, async (tx) => {
    const before = await lockFinding(tx, command.id);
    if (!before) return { refused: 'not_found' };
    const after = await resolveRow(tx, command.id, command.actor.userId, command.reason);
    if (!after) return { refused: 'finding_closed' };
    const body = toFindingJson(after);
    await recordAudit(tx, command.actor, {
      action: 'resolve',
      before: toFindingJson(before),
      after: body,
      reason: command.reason,
    });
    return { status: 200, headers: {}, body: JSON.stringify(body) };
  });
}
