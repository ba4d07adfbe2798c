import type { SagaJson } from '@holdfast/shared/contracts/sagas';
import type { Tx } from '@holdfast/shared/db/transaction';
import { Problem } from '@holdfast/shared/problems';
import { applyToLocked } from '../checkout-saga/apply-saga-message.ts';
import { operateSaga, type SagaOperation } from './operate-saga.ts';

/**
 * Gives a checkout up: its booking fails and frees its places, unless it has ended already, and what the customer paid is voided, or
 * refunded where it was taken. @throws Problem `saga_not_compensable` for one that has ended, stands, or is being taken back already.
 */
export function compensateSaga(tx: Tx, operation: SagaOperation & { readonly reason: string }): Promise<SagaJson> {
  const { caller, reason } = operation;
  return operateSaga(tx, operation, { action: 'compensate', reason }, async ({ id, row, saga, now }) => {
    const message = {
      ...{ bookingId: id, message: 'given_up' as const, attempt: null, reason, actor: caller.userId },
      cause: { id: caller.requestId, traceparent: caller.traceparent },
    };
    const result = (await applyToLocked(tx, [message], new Map([[id, { row, now }]]))).get(id);
    if (!result?.applied) throw new Problem('saga_not_compensable', { detail: `the saga is ${saga.state}` });
  });
}
