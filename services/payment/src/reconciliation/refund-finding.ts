import { recordAudit } from '@holdfast/shared/audit/record-audit';
import type { Pool } from '@holdfast/shared/db/pool';
import { answerOnce, type OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import { insertFindingRefund, isOfPayment } from './finding-refund-store.ts';
import { lockFinding } from './finding-store.ts';
import { toFindingJson } from './list-findings.ts';
import { isPaidThereAlone } from './difference-rules.ts';
import type { ResolveCommand } from './resolve-finding.ts';

/**
 * `finding_closed`: it is not open, or not any more. `finding_not_refundable`: it is not about money that the provider has and no
 * payment of ours. `finding_refund_under_way`: that money goes back already, or has gone.
 */
export type FindingRefundRefusal = {
  readonly refused: 'not_found' | 'finding_closed' | 'finding_not_refundable' | 'finding_refund_under_way';
};

/**
 * Pays back what the provider took without a payment of ours, all of it: writes the refund down, with the operator and the reason in
 * the audit log, and answers with it PENDING. The finding is resolved once the provider has done it. Nudge the driver afterwards.
 */
export function refundFinding(pool: Pool, command: ResolveCommand): Promise<OnceAnswered | FindingRefundRefusal> {
  return answerOnce<FindingRefundRefusal>(pool, command.scope, async (tx) => {
    const before = await lockFinding(tx, command.id);
    if (!before) return { refused: 'not_found' };
    if (before.state !== 'OPEN') return { refused: 'finding_closed' };
    if (!isPaidThereAlone(before.kind, before.amount_there) || (await isOfPayment(tx, before))) {
      return { refused: 'finding_not_refundable' };
    }
    const { userId: requestedBy, requestId: cause } = command.actor;
    if (!(await insertFindingRefund(tx, before, { reason: command.reason, requestedBy, cause }))) {
      return { refused: 'finding_refund_under_way' };
    }
    const after = (await lockFinding(tx, command.id))!;
    const body = toFindingJson(after);
    await recordAudit(tx, command.actor, {
      action: 'refund',
      before: toFindingJson(before),
      after: body,
      reason: command.reason,
    });
    return { status: 202, headers: {}, body: JSON.stringify(body) };
  });
}
