import { setTimeout as sleep } from 'node:timers/promises';
import {
  jetstream,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { connect, headers as natsHeaders, type Auth, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { currentSecret, type Secrets } from '../secrets/secret-ring.ts';
import { loginOf, withoutLogin } from '../secrets/url-login.ts';
import { watchSecret } from '../secrets/watch-secret.ts';
import { assertNoOpenTransaction } from '../db/transaction.ts';
import {
  ADVISORIES,
  CONSUMERS,
  ensureTopology,
  FAMILIES,
  STREAMS,
  type ConsumerName,
  type StreamName,
} from './topology.ts';

/** One message of a durable consumer. Exactly one of `ack` and `nak` is called for each. */
export interface BusMessage {
  readonly subject: string;
  readonly payload: string;
  /** Those of the message; one that has none has no such field. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly redelivered: boolean;
  readonly deliveries: number;
  ack(): void;
  nak(delayMs: number): void;
  /** Tells the broker that the message is still in hand, so that it is not delivered to somebody else meanwhile. */
  working(): void;
}

/** Where a stream stands. A store that was wiped has another `created`; one that was rolled back has a lower `lastSeq`. */
export interface StreamState {
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** What one stream holds. */
export interface StreamSize {
  readonly stream: StreamName;
  readonly messages: number;
  readonly bytes: number;
  /** When its first message was published; null when it holds none. By the broker's clock. */
  readonly oldestAt: Date | null;
}

/** What the broker holds of ours, and what it gave up. */
export interface BrokerState {
  readonly streams: readonly StreamSize[];
  /** Files of all streams of the account; `limitBytes` is null where the account has no limit of its own. */
  readonly storage: { readonly usedBytes: number; readonly limitBytes: number | null };
  /** Messages that the broker gave up by itself in the last 7 days (`ADVISORIES`). */
  readonly advisories: { readonly count: number; readonly firstAt: Date | null };
}

/** Where a durable consumer stands, in sequences of its stream. */
export interface ConsumerState {
  /** The last message that was handed out. Above the stream's `lastSeq` only when the store came back half. */
  readonly deliveredSeq: number;
  /** Everything up to here was acknowledged. */
  readonly ackFloor: number;
  /** Messages that were not handed out yet, and those handed out and not acknowledged. */
  readonly open: number;
  /** Those handed out and not acknowledged, and how many of them were handed out before. */
  readonly inFlight: number;
  readonly redelivered: number;
}

/** The message bus as the services see it. Its JetStream form is below; a simulated one can stand in for it. */
export interface Bus {
  /**
   * Stores a message in its stream; resolves when the broker acknowledged it. `messageId` deduplicates for 2 min: `duplicate` says
   * that the broker believes to have it already, which is no proof that it still does.
   */
  publish(
    subject: string,
    payload: string,
    options: { messageId: string; traceparent?: string | null },
  ): Promise<{ seq: number; duplicate: boolean }>;
  /** Hands the durable consumer's messages to `handle` until stopped. Survives the broker's restarts and the stream's re-creation. */
  consume(consumer: ConsumerName, handle: (message: BusMessage) => void): Promise<{ stop(): Promise<void> }>;
  /** @throws when the broker does not answer, or has no such stream. */
  streamState(stream: StreamName): Promise<StreamState>;
  /** @throws when the broker does not answer. */
  brokerState(): Promise<BrokerState>;
  /** @throws when the broker does not answer, or has no such consumer. */
  consumerState(consumer: ConsumerName): Promise<ConsumerState>;
  /** When the first message of a consumer's family above `ackFloor` was published; null when there is none. @throws as above. */
  oldestOpen(consumer: ConsumerName, ackFloor: number): Promise<Date | null>;
  /**
   * Makes a durable consumer begin again at the first message of its stream. Whoever consumes goes on by itself; what was consumed
   * before comes again, and the inbox knows it.
   */
  resetConsumer(consumer: ConsumerName): Promise<void>;
  /** Asks whoever answers `subject`. @throws when nobody does in time. */
  request(subject: string, payload: string): Promise<string>;
  /** Answers requests; of several processes that answer a subject under one `group` each request reaches one. */
  onRequest(subject: string, group: string, answer: (payload: string) => Promise<string>): void;
  /** Called after the connection came back and the streams stand again. */
  onReconnect(handle: () => void): void;
  /** A hint that may be lost: no stream, no answer. */
  hint(subject: string, payload?: string): void;
  /** Receives hints. */
  onHint(subject: string, handle: (payload: string) => void): void;
  /** Round-trip time to the broker in ms. @throws when it does not answer within a second. */
  ping(): Promise<number>;
  close(): Promise<void>;
}

const PUBLISH_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 2_000;

const CONNECT_PAUSE_MS = 250;
/** A server that takes us has done so by then. */
const REPLACE_LIMIT_MS = 2_000;

/**
 * Connects to NATS and makes the streams and consumers exist, now and again after every reconnect. Waits for the broker as long as
 * it takes, or until `signal` is aborted. @throws AbortError then. `url` may name several servers of a cluster between commas; the one that
 * is connected to tells of the others. User and password of the first are asked for at each connection, and when they change the
 * connection is replaced; the addresses stay those of the start.
 */
export async function connectBus(options: {
  url: Secrets;
  name: string;
  logger: Logger;
  signal?: AbortSignal;
  /** Servers of the cluster that keep each stream; 1 without a cluster. */
  replicas?: number;
}): Promise<Bus> {
  const { logger } = options;
  const nc = await firstConnection(options);
  const js = jetstream(nc, { timeout: PUBLISH_TIMEOUT_MS });
  const bus = new NatsBus(nc, js, logger, options.replicas ?? 1);
  await bus.ensure();
  void bus.watch();
  bus.onClose(
    watchSecret(options.url, () => {
      logger.info('who we are to NATS has changed, connecting anew');
      void bus.replaceConnection();
    }),
  );
  return bus;
}

/** The library can wait for the first connection itself (`waitOnFirstConnect`), but that wait cannot be given up. */
async function firstConnection(options: {
  url: Secrets;
  name: string;
  logger: Logger;
  signal?: AbortSignal;
}): Promise<NatsConnection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectOnce(options);
    } catch (error) {
      if (attempt === 1) options.logger.warn({ err: error }, 'NATS is not there yet, waiting for it');
      await sleep(CONNECT_PAUSE_MS, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

function connectOnce(options: { url: Secrets; name: string }): Promise<NatsConnection> {
  return connect({
    servers: serversOf(currentSecret(options.url)).map(withoutLogin),
    authenticator: () => authOf(serversOf(currentSecret(options.url))[0]!),
    // The package gives up for good at the second refusal. A password that was changed at the server first is in the file soon.
    ignoreAuthErrorAbort: true,
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    timeout: 2_000,
    pingInterval: 5_000,
    maxPingOut: 2,
    // Without it every publish makes two errors with stack traces ahead of need, a tenth of booking's time under load.
    noAsyncTraces: true,
  });
}

const serversOf = (urls: string): string[] => urls.split(',').map((each) => each.trim());

/** As NATS reads a URL: a user alone is a token. */
function authOf(url: string): Auth {
  const login = loginOf(url);
  if (login === null) return undefined;
  return login.password === '' ? { auth_token: login.user } : { user: login.user, pass: login.password };
}

class NatsBus implements Bus {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #logger: Logger;
  readonly #replicas: number;
  #ensuring: Promise<void> | null = null;
  readonly #reconnected: (() => void)[] = [];
  readonly #closers: (() => void)[] = [];
  /** Questions that wait for their answer. */
  readonly #asked = new Set<Promise<unknown>>();
  /** Ends when the connection is replaced. */
  #replacing: Promise<void> | null = null;

  constructor(nc: NatsConnection, js: JetStreamClient, logger: Logger, replicas: number) {
    this.#nc = nc;
    this.#replicas = replicas;
    this.#js = js;
    this.#logger = logger;
  }

  /** One attempt at a time; repeated until it works or the connection is closed for good. */
  ensure(): Promise<void> {
    this.#ensuring ??= this.#ensure().finally(() => {
      this.#ensuring = null;
    });
    return this.#ensuring;
  }

  async #ensure(): Promise<void> {
    for (let pause = 250; !this.#nc.isClosed(); pause = Math.min(5_000, pause * 2)) {
      try {
        await ensureTopology(await jetstreamManager(this.#nc, { timeout: PUBLISH_TIMEOUT_MS }), this.#replicas);
        return;
      } catch (error) {
        this.#logger.warn({ err: error }, 'streams and consumers could not be declared, trying again');
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async watch(): Promise<void> {
    for await (const status of this.#nc.status()) {
      if (status.type === 'disconnect') this.#logger.warn('connection to NATS lost');
      if (status.type === 'reconnect') {
        this.#logger.info('connection to NATS is back');
        void this.ensure().then(() => this.#reconnected.forEach((handle) => handle()));
      }
    }
  }

  onClose(handle: () => void): void {
    this.#closers.push(handle);
  }

  /** Cuts nobody's question off: what is under way is waited for, and what comes meanwhile waits for the new connection. */
  replaceConnection(): Promise<void> {
    this.#replacing ??= this.#replaceConnection().finally(() => (this.#replacing = null));
    return this.#replacing;
  }

  async #replaceConnection(): Promise<void> {
    await Promise.allSettled(this.#asked);
    const isBack = new Promise<void>((resolve) => this.#reconnected.push(resolve));
    await this.#nc.reconnect();
    // Where the server does not take us yet, questions fail in their time as with any server that is away.
    await Promise.race([isBack, sleep(REPLACE_LIMIT_MS, undefined, { ref: false })]);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#replacing) await this.#replacing;
    const asked = question();
    this.#asked.add(asked);
    try {
      return await asked;
    } finally {
      this.#asked.delete(asked);
    }
  }

  onReconnect(handle: () => void): void {
    this.#reconnected.push(handle);
  }

  async publish(subject: string, payload: string, options: { messageId: string; traceparent?: string | null }) {
    assertNoOpenTransaction(`publish to ${subject}`);
    const headers = natsHeaders();
    if (options.traceparent) headers.set('traceparent', options.traceparent);
    try {
      const ack = await this.#ask(() => this.#js.publish(subject, payload, { msgID: options.messageId, headers }));
      return { seq: ack.seq, duplicate: ack.duplicate };
    } catch (error) {
      // A broker whose store was wiped answers that JetStream is not there: declare the streams again, the relay comes back.
      if (error instanceof Error && error.name === 'JetStreamNotEnabled') void this.ensure();
      throw error;
    }
  }

  async consume(name: ConsumerName, handle: (message: BusMessage) => void) {
    let stopped = false;
    const { promise: stopping, resolve: stopWaiting } = Promise.withResolvers<void>();
    let close: (() => Promise<unknown>) | null = null;
    const run = async () => {
      while (!stopped && !this.#nc.isClosed()) {
        try {
          const consumer = await this.#js.consumers.get(CONSUMERS[name].stream, name);
          const messages = await consumer.consume({ max_messages: 256, expires: 10_000, idle_heartbeat: 1_000 });
          close = () => messages.close();
          // Stopped while this was under way: nobody else would close it.
          if (stopped) await close();
          for await (const message of messages) handle(toBusMessage(message));
        } catch (error) {
          if (stopped) return;
          this.#logger.warn({ err: error, consumer: name }, 'consumer interrupted, resuming');
        }
        if (stopped) return;
        // `ensure` waits for the broker as long as it takes; a stop must not.
        await Promise.race([this.ensure(), stopping]);
        await Promise.race([sleep(250), stopping]);
      }
    };
    const running = run();
    return {
      stop: async () => {
        stopped = true;
        stopWaiting();
        await close?.();
        await running;
      },
    };
  }

  async streamState(stream: StreamName): Promise<StreamState> {
    const { created, state } = await (await this.#manager()).streams.info(stream);
    return { created, firstSeq: state.first_seq, lastSeq: state.last_seq };
  }

  async brokerState(): Promise<BrokerState> {
    const manager = await this.#manager();
    const sizeOf = async (name: string) => {
      const { state } = await manager.streams.info(name);
      const { messages, bytes } = state;
      return { messages, bytes, oldestAt: messages === 0 ? null : new Date(state.first_ts) };
    };
    const [account, advisories, streams] = await Promise.all([
      manager.getAccountInfo(),
      sizeOf(ADVISORIES.stream),
      Promise.all(
        (Object.keys(STREAMS) as StreamName[]).map(async (stream) => ({ stream, ...(await sizeOf(stream)) })),
      ),
    ]);
    const { max_storage: limit } = account.limits;
    return {
      streams,
      storage: { usedBytes: account.storage, limitBytes: limit < 0 ? null : limit },
      advisories: { count: advisories.messages, firstAt: advisories.oldestAt },
    };
  }

  async consumerState(name: ConsumerName): Promise<ConsumerState> {
    const info = await (await this.#manager()).consumers.info(CONSUMERS[name].stream, name);
    return {
      deliveredSeq: info.delivered.stream_seq,
      ackFloor: info.ack_floor.stream_seq,
      open: info.num_pending + info.num_ack_pending,
      inFlight: info.num_ack_pending,
      redelivered: info.num_redelivered,
    };
  }

  async oldestOpen(name: ConsumerName, ackFloor: number): Promise<Date | null> {
    const { stream, family } = CONSUMERS[name];
    // The server takes both since 2.9; the types of the client know the pair for direct reads only.
    const next = { seq: ackFloor + 1, next_by_subj: FAMILIES[family] };
    const message = await (await this.#manager()).streams.getMessage(stream, next);
    return message?.time ?? null;
  }

  async resetConsumer(name: ConsumerName): Promise<void> {
    await (await this.#manager()).consumers.delete(CONSUMERS[name].stream, name);
    // A declaration under way may have passed this consumer before it was deleted: only one begun after that makes it again.
    await this.#ensuring;
    await this.ensure();
  }

  /** Cheap: no question is asked before the first call. */
  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.#nc, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
  }

  async request(subject: string, payload: string): Promise<string> {
    assertNoOpenTransaction(`request to ${subject}`);
    return (await this.#ask(() => this.#nc.request(subject, payload, { timeout: REQUEST_TIMEOUT_MS }))).string();
  }

  onRequest(subject: string, group: string, answer: (payload: string) => Promise<string>): void {
    this.#nc.subscribe(subject, {
      queue: group,
      callback: (error, message) => {
        if (error) return;
        // No answer is an answer: who asks waits its time and asks again.
        answer(message.string()).then(
          (text) => message.respond(text),
          (failure: unknown) => this.#logger.warn({ err: failure, subject }, 'a request could not be answered'),
        );
      },
    });
  }

  hint(subject: string, payload = ''): void {
    if (!this.#nc.isClosed()) this.#nc.publish(subject, payload);
  }

  onHint(subject: string, handle: (payload: string) => void): void {
    this.#nc.subscribe(subject, { callback: (error, message) => (error ? undefined : handle(message.string())) });
  }

  async ping(): Promise<number> {
    const timeout = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('no answer from NATS')), 1_000).unref(),
    );
    return Promise.race([this.#nc.rtt(), timeout]);
  }

  async close(): Promise<void> {
    for (const handle of this.#closers) handle();
    if (this.#nc.isClosed()) return;
    // Draining waits for the broker; one that is gone must not hold up the end of the process.
    await Promise.race([this.#nc.drain(), new Promise((resolve) => setTimeout(resolve, 1_000).unref())]).catch(
      () => undefined,
    );
    if (!this.#nc.isClosed()) await this.#nc.close();
  }
}

function toBusMessage(message: JsMsg): BusMessage {
  return {
    subject: message.subject,
    payload: message.string(),
    ...(message.headers
      ? { headers: Object.fromEntries([...message.headers].map(([name, values]) => [name, values.join(', ')])) }
      : {}),
    redelivered: message.redelivered,
    deliveries: message.info.deliveryCount,
    ack: () => message.ack(),
    nak: (delayMs) => message.nak(delayMs),
    working: () => message.working(),
  };
}
