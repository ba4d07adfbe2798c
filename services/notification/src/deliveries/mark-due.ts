import { notificationRetryEvents } from '@holdfast/shared/contracts/events';
import type { Tx } from '@holdfast/shared/db/transaction';
import { PermanentMessageError } from '@holdfast/shared/inbox/consumer';
import type { IncomingEvent } from '@holdfast/shared/inbox/incoming-event';
import { markDueAgain } from './delivery-store.ts';

/** Applies a retry message. Returns whether a delivery is due now. @throws PermanentMessageError when the message breaks its contract. */
export async function markDue(tx: Tx, event: IncomingEvent): Promise<boolean> {
  if (event.name !== 'due') return false;
  const data = notificationRetryEvents.due.safeParse(event.data);
  if (!data.success) throw new PermanentMessageError(`data of notification_retry.due: ${data.error.message}`);
  return markDueAgain(tx, data.data.delivery_id, event.sequence);
}
