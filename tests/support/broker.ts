import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { CONSUMERS, type ConsumerName } from '@holdfast/shared/bus/topology';

const SECOND_NANOS = 1_000_000_000;

/**
 * Makes the broker deliver again after one second what a killed consumer took and never acknowledged, instead of after the 30 s that
 * production waits: the broker's time is the one clock that a test cannot move. Whoever starts a service calls this afterwards,
 * because a starting service declares the consumers anew.
 */
export async function redeliverSoon(natsUrl: string): Promise<void> {
  const connection = await connect({ servers: natsUrl, reconnect: false });
  try {
    const manager = await jetstreamManager(connection);
    for (const name of Object.keys(CONSUMERS) as ConsumerName[]) {
      await manager.consumers.update(CONSUMERS[name].stream, name, { ack_wait: SECOND_NANOS });
    }
  } finally {
    await connection.close();
  }
}
