import { InboxConsumer, type ConsumerOptions } from '@holdfast/shared/inbox/consumer';
import { recordDelivery } from './record-delivery.ts';

/** Takes family `booking` of stream BOOKING: each event that is worth a message becomes a delivery. `onDue` runs after the commit. */
export function bookingConsumer(
  options: Pick<ConsumerOptions, 'bus' | 'pool' | 'logger' | 'onDeadLetter'> & { onDue: () => void },
): InboxConsumer {
  const { onDue, ...rest } = options;
  return new InboxConsumer({
    ...rest,
    name: 'notification-booking',
    service: 'notification',
    handle: async (tx, event) => ((await recordDelivery(tx, event)) ? onDue : undefined),
  });
}
