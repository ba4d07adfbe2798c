import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { STREAMS, type StreamName } from './topology.ts';

const CONNECT_MS = 2_000;

/** Streams of ours at this server that hold messages. */
export function filledStreams(url: string): Promise<StreamName[]> {
  return withStreams(url, async (streams) => {
    const found: StreamName[] = [];
    for (const name of Object.keys(STREAMS) as StreamName[]) {
      if ((await streams.messages(name)) > 0) found.push(name);
    }
    return found;
  });
}

/**
 * Removes our streams with their consumers. Services make them anew when they connect, and outboxes fill them with what some consumer
 * lacks: for a database that was taken back to an earlier moment, of which streams would tell the future.
 */
export function forgetStreams(url: string): Promise<void> {
  return withStreams(url, async (streams) => {
    for (const name of Object.keys(STREAMS) as StreamName[]) await streams.remove(name);
  });
}

interface Streams {
  /** 0 for one that is not there. */
  messages(name: StreamName): Promise<number>;
  remove(name: StreamName): Promise<void>;
}

async function withStreams<T>(url: string, work: (streams: Streams) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: url, reconnect: false, timeout: CONNECT_MS });
  try {
    const { streams } = await jetstreamManager(connection);
    const names = new Set<string>();
    for await (const { config } of streams.list()) names.add(config.name);
    return await work({
      messages: async (name) => (names.has(name) ? (await streams.info(name)).state.messages : 0),
      remove: async (name) => {
        if (names.has(name)) await streams.delete(name);
      },
    });
  } finally {
    await connection.close();
  }
}
