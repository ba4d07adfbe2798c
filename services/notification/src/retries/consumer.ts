import { InboxConsumer, type ConsumerOptions } from '@holdfast/shared/inbox/consumer';
import { markDue } from '../deliveries/mark-due.ts';

/** Takes the messages of NOTIFICATION_RETRY: each makes one delivery due again. `onDue` runs after the commit. */
export function retryConsumer(
  options: Pick<ConsumerOptions, 'bus' | 'pool' | 'logger' | 'onDeadLetter'> & { onDue: () => void },
): InboxConsumer {
  const { onDue, ...rest } = options;
  return new InboxConsumer({
    ...rest,
    name: 'notification-retry',
    service: 'notification',
    handle: async (tx, event) => ((await markDue(tx, event)) ? onDue : undefined),
  });
}
