import type { Tx } from '@holdfast/shared/db/transaction';
import { insistOnVoid } from '../payments/insist-on-void.ts';
import { saveIntent } from '../payments/save-intent.ts';
import { settleOutcome } from '../payments/settle-outcome.ts';
import { settleRefund } from '../payments/settle-refund.ts';
import { lookPauseMs, OPEN_LOOK_PAUSE_MS, retryPauseMs, UNKNOWN_OUTCOME, type Operation } from './operation.ts';
import { finishOperation, postponeOperation, releaseWaiting } from './operation-store.ts';
import type { Finding } from './perform-operation.ts';

export interface SettleOptions {
  readonly firstLookMs: number;
  readonly leaseMs: number;
  /** From 0 to 1; the chance in the pauses between tries. */
  readonly random: () => number;
}

export interface SettledOperation {
  /** A short class for metrics and logs. */
  readonly outcome: string;
  /** Calls that may follow at once, leased to this process. */
  readonly next: readonly Operation[];
}

/** Commits what a call brought, together with what it changes and the event that tells of it. */
export async function settleOperation(
  tx: Tx,
  operation: Operation,
  finding: Finding,
  options: SettleOptions,
): Promise<SettledOperation> {
  const cause = operation.id;
  const { paymentId, attempt } = operation;
  switch (finding.kind) {
    case 'created': {
      await saveIntent(tx, paymentId, finding.reference);
      await finishOperation(tx, operation.id, 'created');
      return { outcome: 'created', next: await releaseWaiting(tx, paymentId, options.leaseMs) };
    }
    case 'fact': {
      const { fact } = finding;
      const settled = await settleOutcome(tx, { paymentId, attempt, fact, cause });
      if (operation.kind === 'cancel' && fact.kind === 'authorised' && (await insistOnVoid(tx, paymentId))) {
        await postponeOperation(tx, operation.id, { mode: 'SEND', delayMs: 0, reason: 'void_for_good' });
      } else if (fact.kind === 'processing' || fact.kind === 'requires_action') {
        await postponeOperation(tx, operation.id, { mode: 'LOOK', delayMs: OPEN_LOOK_PAUSE_MS, reason: fact.kind });
      } else {
        await finishOperation(tx, operation.id, settled === 'mismatch' ? 'mismatch' : fact.kind);
      }
      return { outcome: settled === 'mismatch' ? 'mismatch' : fact.kind, next: [] };
    }
    case 'refund': {
      const settled = await settleRefund(tx, operation.refundId ?? '', finding.outcome, cause);
      const outcome = settled === 'mismatch' ? 'mismatch' : finding.outcome.kind;
      await finishOperation(tx, operation.id, outcome);
      return { outcome, next: [] };
    }
    case 'open':
      await postponeOperation(tx, operation.id, { mode: 'LOOK', delayMs: OPEN_LOOK_PAUSE_MS, reason: 'open' });
      return { outcome: 'open', next: [] };
    case 'later':
      await postponeOperation(tx, operation.id, {
        mode: operation.mode,
        delayMs: retryPauseMs(finding.delayMs, operation.tries, options.random),
        reason: finding.reason,
        freshKey: finding.freshKey ?? false,
      });
      return { outcome: 'later', next: [] };
    case 'unknown':
      // Nobody waits for news of a cancel or refund whose answer was lost; they go on until done.
      if (operation.kind === 'create' || operation.kind === 'confirm' || operation.kind === 'capture') {
        await settleOutcome(tx, { paymentId, attempt, fact: { kind: 'unknown' }, cause });
      }
      await postponeOperation(tx, operation.id, {
        mode: 'LOOK',
        delayMs: lookPauseMs(options.firstLookMs, operation.tries, options.random),
        reason: UNKNOWN_OUTCOME,
        freshKey: isSpentKey(operation, finding.reason),
      });
      return { outcome: 'unknown', next: [] };
    default:
      return finding satisfies never;
  }
}

/**
 * Looked at, found not carried out, sent again with the same key, and answered with a 5xx once more: the provider repeats what it
 * stored. An intent's own states rule out a second effect, so these may go under a fresh key; a refund has no such guard and keeps
 * its key.
 */
function isSpentKey(operation: Operation, reason: string): boolean {
  return operation.kind !== 'refund' && operation.mode === 'LOOK' && reason.startsWith('http_5');
}
