import type { Tx } from '@holdfast/shared/db/transaction';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { LeasedDelivery } from './delivery.ts';
import { markWaiting } from './delivery-store.ts';
import { dueEvent } from './due-event.ts';

/**
 * Puts off a delivery: WAITING, and a message to NOTIFICATION_RETRY that the relay publishes when it is due. The delay is kept in
 * PostgreSQL because delayed redeliveries would fill a consumer's window at the broker. False when the lease was lost meanwhile.
 */
export async function scheduleRetry(
  tx: Tx,
  delivery: LeasedDelivery,
  delayMs: number,
  reason: string,
): Promise<boolean> {
  const waiting = await markWaiting(tx, delivery, delayMs, reason);
  if (!waiting) return false;
  await appendToOutbox(tx, '/notification', [
    dueEvent({ delivery, seq: waiting.retrySeq, at: waiting.at, availableAt: waiting.dueAt }),
  ]);
  return true;
}
