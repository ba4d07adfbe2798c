import type { Registry } from 'prom-client';
import type { Bus } from '../bus/bus.ts';
import { scrapedGauges, seconds } from '../telemetry/scraped-gauges.ts';

/** How full the broker is and what it gave up; for one service to show, as it is the same for all. `bus` is null until NATS answers. */
export function showBroker(registry: Registry, bus: () => Bus | null): void {
  const labels = ['stream'] as const;
  scrapedGauges({
    registry,
    group: 'broker',
    gauges: {
      holdfast_stream_bytes: { help: 'Size of a stream', labels },
      holdfast_stream_messages: { help: 'Messages of a stream', labels },
      holdfast_stream_oldest_timestamp_seconds: { help: 'When the oldest of them was published; 0: none', labels },
      holdfast_jetstream_storage_bytes: { help: 'Files of all streams of the account' },
      holdfast_jetstream_storage_limit_bytes: { help: 'What the account may have of them; 0: no limit of its own' },
      holdfast_broker_advisories: { help: 'Messages that the broker gave up by itself, in the last 7 days' },
    },
    read: async () => {
      const broker = bus();
      if (broker === null) throw new Error('not connected yet');
      const { streams, storage, advisories } = await broker.brokerState();
      const each = (value: (stream: (typeof streams)[number]) => number) =>
        streams.map((stream) => ({ labels: { stream: stream.stream }, value: value(stream) }));
      return {
        holdfast_stream_bytes: each(({ bytes }) => bytes),
        holdfast_stream_messages: each(({ messages }) => messages),
        holdfast_stream_oldest_timestamp_seconds: each(({ oldestAt }) => seconds(oldestAt?.toISOString() ?? null)),
        holdfast_jetstream_storage_bytes: [{ value: storage.usedBytes }],
        holdfast_jetstream_storage_limit_bytes: [{ value: storage.limitBytes ?? 0 }],
        holdfast_broker_advisories: [{ value: advisories.count }],
      };
    },
  });
}
