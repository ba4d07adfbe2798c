import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { CONSUMERS, type ConsumerName } from '@holdfast/shared/bus/topology';
import { until } from '@holdfast/shared/testing/until';

const SECOND_NANOS = 1_000_000_000;

/**
 * Makes the broker deliver again after one second what a killed consumer took and never acknowledged, instead of after the 10 s that
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

/**
 * Resolves once no consumer has a message to come or one that was taken and not acknowledged. What a killed process left unacknowledged
 * comes again; a failpoint that is armed before that would be hit by the leftovers of another case.
 */
export async function untilDelivered(natsUrl: string): Promise<void> {
  const connection = await connect({ servers: natsUrl, reconnect: false });
  try {
    const manager = await jetstreamManager(connection);
    await until(
      'every message to be delivered and acknowledged',
      async () => {
        const names = Object.keys(CONSUMERS) as ConsumerName[];
        const infos = await Promise.all(names.map((name) => manager.consumers.info(CONSUMERS[name].stream, name)));
        return infos.every((info) => info.num_pending === 0 && info.num_ack_pending === 0);
      },
      20_000,
    );
  } finally {
    await connection.close();
  }
}
