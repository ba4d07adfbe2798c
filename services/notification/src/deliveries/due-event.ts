import type { OutgoingEvent } from '@holdfast/shared/outbox/outbox';
import type { LeasedDelivery } from './delivery.ts';

/** The message that makes a delivery due again. Its sequence is the delivery's `retry_seq`, so that an old one changes nothing. */
export function dueEvent(options: {
  delivery: Pick<LeasedDelivery, 'id' | 'eventId' | 'traceparent'>;
  seq: number;
  at: Date;
  availableAt?: Date;
}): OutgoingEvent {
  const { delivery, seq, at, availableAt } = options;
  return {
    family: 'notification_retry',
    name: 'due',
    orderingKey: delivery.id,
    seq,
    data: { delivery_id: delivery.id },
    cause: delivery.eventId,
    traceparent: delivery.traceparent,
    at,
    ...(availableAt ? { availableAt } : {}),
  };
}
