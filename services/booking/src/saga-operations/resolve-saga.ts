import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import type { Tx } from '@holdfast/shared/db/transaction';
import { Problem } from '@holdfast/shared/problems';
import { BookingDraft } from '../bookings/booking-draft.ts';
import { writeDrafts } from '../bookings/write-drafts.ts';
import type { SagaState } from '../checkout-saga/checkout-saga.ts';
import { outcome as outcomeEvent } from '../events.ts';
import { operateSaga, type LockedSaga, type SagaOperation } from './operate-saga.ts';

export type Resolution = 'voided' | 'refunded' | 'closed';

/** What can be settled by hand: nothing but money that is, or may be, owed to the customer. */
const RESOLVABLE: readonly SagaState[] = ['STUCK', 'LAPSING', 'VOIDING', 'REFUNDING'];
const ENDS: Readonly<Record<Resolution, SagaState>> = { voided: 'VOIDED', refunded: 'REFUNDED', closed: 'CLOSED' };

/**
 * Ends a saga that a person has settled at the provider by hand. Nothing is asked for any more; a booking that still waited for its
 * payment fails and frees its places, and one whose money went back is REFUNDED. Such an end is beyond the table: it rests on what the
 * operator says. @throws Problem `saga_not_resolvable`.
 */
export function resolveSaga(
  tx: Tx,
  operation: SagaOperation & { readonly reason: string; readonly outcome: Resolution },
): Promise<SagaJson> {
  const { reason, outcome } = operation;
  return operateSaga(tx, operation, { action: 'resolve', reason: `${outcome}: ${reason}` }, async (locked) => {
    if (!RESOLVABLE.includes(locked.saga.state)) {
      throw new Problem('saga_not_resolvable', { detail: `the saga is ${locked.saga.state}` });
    }
    await writeDrafts(tx, [draftResolution(locked, operation)], locked.now);
  });
}

function draftResolution(
  { row, saga, now }: LockedSaga,
  { caller, reason, outcome }: SagaOperation & { readonly reason: string; readonly outcome: Resolution },
): BookingDraft {
  const draft = new BookingDraft(row, now);
  const cause = { id: caller.requestId, traceparent: caller.traceparent };
  const step = { reason, actor: caller.userId, cause: cause.id };
  draft.outcome = { attempt: saga.attempt, outcome: 'ABANDONED', decline_reason: null };
  if (row.status === 'PAYMENT_INITIATED') {
    draft.go({ to: 'FAILED', ...step });
    draft.claims = 'release';
    draft.outcome = { attempt: saga.attempt, outcome: 'FAILED', decline_reason: null };
    draft.emit('booking', (failed) => outcomeEvent('failed', failed, cause, now, { reason }));
  }
  if (outcome === 'refunded' && ['CANCELLED', 'EXPIRED', 'FAILED'].includes(draft.row.status)) {
    draft.go({ to: 'REFUNDED', ...step });
    if (draft.row.refund_id !== null) draft.change({ refund_status: 'SUCCEEDED' });
  }
  const ended = { state: ENDS[outcome], undo: null, next_action_at: null, deadline_at: null };
  draft.saga = { before: saga, after: { ...saga, ...ended, stuck_reason: null, stuck_in: null } };
  return draft;
}
