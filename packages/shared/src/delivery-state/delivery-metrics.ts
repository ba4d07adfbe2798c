import { Counter, type Registry } from 'prom-client';
import type { Bus } from '../bus/bus.ts';
import type { Pool } from '../db/pool.ts';
import { scrapedGauges, seconds, type Sample } from '../telemetry/scraped-gauges.ts';
import { readConsumers } from './read-consumers.ts';
import { readOutbox } from './read-outbox.ts';

export interface DeliveryMetricsOptions {
  readonly registry: Registry;
  readonly pool: Pool;
  /** Absent until NATS answers. */
  readonly bus: () => Bus | null;
  readonly service: string;
}

/**
 * What a service has to publish and to consume, as `GET /v1/ops/outbox` and `/v1/ops/consumers` tell it. Returns what the relay calls.
 */
export function createDeliveryMetrics(options: DeliveryMetricsOptions) {
  const { registry, pool, bus, service } = options;
  const published = new Counter({
    name: 'holdfast_outbox_published_total',
    help: 'Events that the broker acknowledged, by family and name; one that was lost by the broker is counted again',
    labelNames: ['family', 'event'] as const,
    registers: [registry],
  });
  const oneFor = (value: number | null, labels: Readonly<Record<string, string>> = {}): Sample[] =>
    value === null ? [] : [{ labels, value }];

  scrapedGauges({
    registry,
    group: 'outbox',
    gauges: {
      holdfast_outbox_unpublished: { help: 'Messages that are due and not published' },
      holdfast_outbox_oldest_timestamp_seconds: { help: 'Since when the oldest of them is due; 0: there is none' },
      holdfast_outbox_unconfirmed: { help: 'Published messages that some consumer is not known to have' },
      holdfast_outbox_oldest_unconfirmed_timestamp_seconds: { help: 'When the oldest of them was published; 0: none' },
    },
    read: async () => {
      const state = await readOutbox(pool, service);
      return {
        holdfast_outbox_unpublished: oneFor(state.depth),
        holdfast_outbox_oldest_timestamp_seconds: oneFor(seconds(state.oldest_at)),
        holdfast_outbox_unconfirmed: oneFor(state.unconfirmed),
        holdfast_outbox_oldest_unconfirmed_timestamp_seconds: oneFor(seconds(state.oldest_unconfirmed_at)),
      };
    },
  });

  const labels = ['consumer'] as const;
  scrapedGauges({
    registry,
    group: 'consumers',
    gauges: {
      holdfast_consumer_lag: { help: 'Messages that a consumer has not acknowledged', labels },
      holdfast_consumer_oldest_timestamp_seconds: { help: 'When the oldest of them was published; 0: none', labels },
      holdfast_consumer_redelivered: { help: 'Messages in flight that were handed out before', labels },
      holdfast_consumer_parked: { help: 'Messages that came before one that they must follow', labels },
      holdfast_consumer_failing: { help: 'Messages whose last attempt failed and that will be tried again', labels },
      holdfast_dead_letters_open: { help: 'Messages that a consumer gave up on and nobody has decided about', labels },
    },
    read: async () => {
      const states = await readConsumers(pool, bus(), service);
      const each = (value: (state: (typeof states)[number]) => number | null) =>
        states.flatMap((state) => oneFor(value(state), { consumer: state.consumer }));
      return {
        // Absent while the broker does not answer: a lag of 0 would say that all is well.
        holdfast_consumer_lag: each(({ broker }) => broker?.lag ?? null),
        holdfast_consumer_oldest_timestamp_seconds: each(({ broker }) => broker && seconds(broker.oldest_at)),
        holdfast_consumer_redelivered: each(({ broker }) => broker?.redelivered ?? null),
        holdfast_consumer_parked: each(({ parked }) => parked),
        holdfast_consumer_failing: each(({ failing }) => failing),
        holdfast_dead_letters_open: each((state) => state.dead_letters),
      };
    },
  });

  return {
    onPublished: (messages: readonly { readonly family: string; readonly subject: string }[]): void => {
      // The last part of a subject is the event's name; the parts before are the family and the partition.
      for (const { family, subject } of messages)
        published.inc({ family, event: subject.slice(subject.lastIndexOf('.') + 1) });
    },
  };
}
