import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import type { Tx } from '@holdfast/shared/db/transaction';
import { Problem } from '@holdfast/shared/problems';
import { BookingDraft } from '../bookings/booking-draft.ts';
import { writeDrafts } from '../bookings/write-drafts.ts';
import { AWAITING, STEP_DEADLINE_SECONDS, resendAfterSeconds } from '../checkout-saga/checkout-saga.ts';
import { draftCommand, later } from '../checkout-saga/draft-step.ts';
import { operateSaga, type SagaOperation } from './operate-saga.ts';

/**
 * Asks for the step under way at once. A STUCK saga goes back to where it was: what made it stuck comes again if it is still so, and
 * stops it again. @throws Problem `saga_not_retryable` for one that waits for nothing.
 */
export function retrySaga(tx: Tx, operation: SagaOperation): Promise<SagaJson> {
  return operateSaga(tx, operation, { action: 'retry', reason: null }, async ({ row, saga, now }) => {
    const state = saga.state === 'STUCK' ? saga.stuck_in : saga.state;
    const command = state === null ? undefined : AWAITING[state];
    // A booking that ended while its saga was stuck cannot be paid for any more.
    const gone = (command === 'authorise' || command === 'capture') && row.status !== 'PAYMENT_INITIATED';
    if (state === null || command === undefined || gone) {
      throw new Problem('saga_not_retryable', { detail: `the saga is ${saga.state}, its booking ${row.status}` });
    }
    const asked = {
      ...saga,
      ...{ state, tries: saga.tries + 1, next_action_at: later(now, resendAfterSeconds(0)) },
      ...{ stuck_reason: null, stuck_in: null, deadline_at: saga.deadline_at ?? later(now, STEP_DEADLINE_SECONDS) },
    };
    const draft = new BookingDraft(row, now);
    draft.saga = { before: saga, after: asked };
    const cause = { id: operation.caller.requestId, traceparent: operation.caller.traceparent };
    draftCommand(draft, asked, command, { now, reason: 'asked again by an operator', cause });
    await writeDrafts(tx, [draft], now);
  });
}
