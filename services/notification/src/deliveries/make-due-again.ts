import type { Tx } from '@holdfast/shared/db/transaction';
import { appendToOutbox } from '@holdfast/shared/outbox/outbox';
import type { DeliveryId, DeliveryState } from './delivery.ts';
import { lockDelivery, restartDelivery } from './delivery-store.ts';
import { dueEvent } from './due-event.ts';

/**
 * Makes a delivery due once more with fresh attempts; what is on its way already stays as it is. One that was given up is brought back by
 * the very message that its dead letter holds, so that the order of its retry messages has no gap and a later replay changes nothing.
 */
export async function makeDueAgain(tx: Tx, id: DeliveryId): Promise<DeliveryState> {
  const delivery = await lockDelivery(tx, id);
  if (delivery.state === 'DEAD') {
    await appendToOutbox(tx, '/notification', [dueEvent({ delivery, seq: delivery.retrySeq, at: delivery.at })]);
    return 'DUE';
  }
  if (delivery.state === 'SENT' || delivery.state === 'WAITING') {
    await restartDelivery(tx, id);
    return 'DUE';
  }
  return delivery.state;
}
