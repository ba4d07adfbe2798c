import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import type { LeasedDelivery } from './deliveries/delivery.ts';

export type NotificationEvents = ReturnType<typeof createEvents>;

/** What happens to deliveries, reported in one place: a metric with few labels, and a log line with the ids. Addresses stay out of both. */
export function createEvents(metrics: Metrics, logger: Logger) {
  const deliveries = new Counter({
    name: 'holdfast_notification_deliveries_total',
    help: 'Attempts to deliver a message, by what came of them',
    labelNames: ['channel', 'kind', 'outcome'] as const,
    registers: [metrics.registry],
  });
  const count = (delivery: LeasedDelivery, outcome: 'sent' | 'retry' | 'dead') =>
    deliveries.inc({ channel: delivery.channel, kind: delivery.notice.kind, outcome });
  const ids = (delivery: LeasedDelivery) => ({
    delivery_id: delivery.id,
    booking_id: delivery.bookingId,
    event_id: delivery.eventId,
    channel: delivery.channel,
    kind: delivery.notice.kind,
    attempt: delivery.attempts,
    traceparent: delivery.traceparent,
  });
  return {
    sent(delivery: LeasedDelivery, providerMessageId: string): void {
      count(delivery, 'sent');
      logger.info({ ...ids(delivery), provider_message_id: providerMessageId }, 'message sent');
    },
    putOff(delivery: LeasedDelivery, delayMs: number, reason: string): void {
      count(delivery, 'retry');
      logger.warn({ ...ids(delivery), delay_ms: delayMs, reason }, 'message not sent, trying again later');
    },
    givenUp(delivery: LeasedDelivery, cause: string, reason: string): void {
      count(delivery, 'dead');
      logger.error({ ...ids(delivery), cause, reason }, 'message moved to the dead letters');
    },
    leaseLost(delivery: LeasedDelivery): void {
      logger.warn(ids(delivery), 'lease ran out while sending, another process decides about this message');
    },
  };
}
