import type { Tx } from '@holdfast/shared/db/transaction';
import { deadLetter } from '@holdfast/shared/inbox/dead-letters';
import { parseEvent } from '@holdfast/shared/inbox/incoming-event';
import { toOutboxRows } from '@holdfast/shared/outbox/outbox';
import type { LeasedDelivery } from './delivery.ts';
import { markDead } from './delivery-store.ts';
import { dueEvent } from './due-event.ts';

/**
 * Ends a delivery: DEAD, and a dead letter with its copy for the DEAD_LETTER stream. The letter holds the retry message that would
 * have come next, under the consumer that takes it, so that replaying the letter makes the delivery due with fresh attempts.
 * False when the lease was lost meanwhile.
 */
export async function giveUp(
  tx: Tx,
  delivery: LeasedDelivery,
  cause: 'permanent' | 'attempts_exhausted',
  reason: string,
): Promise<boolean> {
  const dead = await markDead(tx, delivery, reason);
  if (!dead) return false;
  const rows = toOutboxRows('/notification', [dueEvent({ delivery, seq: dead.retrySeq, at: dead.at })]);
  const payload = rows.payloads[0]!;
  await deadLetter(tx, {
    consumer: 'notification-retry',
    service: 'notification',
    subject: rows.subjects[0]!,
    payload,
    event: parseEvent(payload, 'notification_retry'),
    attempts: delivery.attempts,
    cause,
    error: reason,
  });
  return true;
}
