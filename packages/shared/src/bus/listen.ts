import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { STREAMS, type StreamName } from './topology.ts';

/** Something that was published. */
export interface Heard {
  readonly subject: string;
  readonly payload: string;
}

export interface ListenOptions {
  /** With login, if the server wants one. */
  readonly url: string;
  /** A subject with the wildcards of NATS; without one, everything. */
  readonly subject?: string;
  /** From this moment on, by the broker's clock; without one, only what is published from now on. */
  readonly since?: Date;
  /** Ends the listening. */
  readonly signal: AbortSignal;
  /** Called once all streams are listened to: what is published afterwards is heard. */
  readonly onReady: () => void;
  readonly onHeard: (heard: Heard) => void;
}

/**
 * Hands over what is published until `signal` is aborted. It takes part in nothing: the consumers are the server's for as long as this
 * listens, nothing is acknowledged, and no durable consumer sees a difference. A lost connection is made again, and listening goes on
 * where it was. @throws what NATS says when it cannot be reached, and RangeError for a subject that no stream has.
 */
export async function listen(options: ListenOptions): Promise<void> {
  const { signal, since } = options;
  const streams = streamsOf(options.subject);
  const connection = await connect({
    servers: options.url,
    name: 'holdfast-listen',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    timeout: 2_000,
  });
  try {
    const client = jetstream(connection, { timeout: 2_000 });
    const tails = await Promise.all(
      streams.map(async (stream) => {
        const consumer = await client.consumers.get(stream, {
          // One filter: a server of 2.9 knows no more (docs/adr/0004-nats-floor.md).
          ...(options.subject === undefined ? {} : { filter_subjects: options.subject }),
          ...(since === undefined
            ? { deliver_policy: DeliverPolicy.New }
            : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }),
        });
        return consumer.consume();
      }),
    );
    const stop = () => tails.forEach((tail) => tail.stop());
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    options.onReady();
    await Promise.all(
      tails.map(async (tail) => {
        for await (const { subject, data } of tail) {
          options.onHeard({ subject, payload: new TextDecoder().decode(data) });
        }
      }),
    );
  } finally {
    await connection.close();
  }
}

/** The streams that may hold a subject: its first part is that of one stream. @throws RangeError for any other. */
export function streamsOf(subject: string | undefined): StreamName[] {
  const names = Object.keys(STREAMS) as StreamName[];
  if (subject === undefined) return names;
  const found = names.filter((name) => STREAMS[name].subjects.some((own) => sharesRoot(own, subject)));
  const isWhole = subject
    .split('.')
    .every((part, index, all) => part !== '' && (part !== '>' || index === all.length - 1));
  if (found.length > 0 && isWhole && !/\s/.test(subject)) return found;
  const roots = names.flatMap((name) => STREAMS[name].subjects).join(', ');
  throw new RangeError(`no stream has subjects like ${subject}; there are ${roots}`);
}

const sharesRoot = (own: string, subject: string) =>
  subject.includes('.') && own.slice(0, own.indexOf('.')) === subject.slice(0, subject.indexOf('.'));
