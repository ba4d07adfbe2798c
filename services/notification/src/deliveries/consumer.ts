import { InboxConsumer, type ConsumerOptions } from '@holdfast/shared/inbox/consumer';
import { handleInTurn } from '@holdfast/shared/inbox/handle-in-turn';
import { recordAccountDelivery } from './record-account-delivery.ts';
import { recordDelivery, type RecordOptions } from './record-delivery.ts';

type Options = Pick<ConsumerOptions, 'bus' | 'pool' | 'logger' | 'onDeadLetter'> & { onDue: () => void };

/** Takes family `booking` of stream BOOKING: each event that is worth a message becomes a delivery. `onDue` runs after the commit. */
export function bookingConsumer(options: Options & RecordOptions): InboxConsumer {
  const { onDue, texts, ...rest } = options;
  const handle: ConsumerOptions['handle'] = async (tx, event) =>
    (await recordDelivery(tx, event, { texts })) ? onDue : undefined;
  return new InboxConsumer({
    ...rest,
    name: 'notification-booking',
    service: 'notification',
    handle,
    handleTogether: handleInTurn(handle),
  });
}

/** Takes family `account` of stream IDENTITY in the same way. */
export function accountConsumer(options: Options): InboxConsumer {
  const { onDue, ...rest } = options;
  return new InboxConsumer({
    ...rest,
    name: 'notification-account',
    service: 'notification',
    handle: async (tx, event) => ((await recordAccountDelivery(tx, event)) ? onDue : undefined),
  });
}
