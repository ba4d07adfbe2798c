import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';

/**
 * Every stream and every durable consumer, declared here and nowhere else. Only what nats-server 2.9.10 knows is used: one filter
 * subject a consumer, no per-message TTL, no metadata (see docs/adr/0004-nats-floor.md).
 */

const NANOS = 1_000_000;
const DAY_MS = 86_400_000;

export const STREAMS = {
  BOOKING: { subjects: ['booking.>'] },
  PAYMENT: { subjects: ['payment.>'] },
  IDENTITY: { subjects: ['identity.>'] },
  NOTIFICATION_RETRY: { subjects: ['notification_retry.>'] },
  DEAD_LETTER: { subjects: ['dead_letter.>'] },
} as const;

export type StreamName = keyof typeof STREAMS;

/**
 * What the broker itself says of a consumer: that it gave a message up, or was told to. Ours never let it, so one that comes here is an
 * alarm: somebody changed a consumer, or made one. Kept for as long as events are, the newest ones if there are many.
 */
export const ADVISORIES = {
  stream: 'ADVISORY',
  subjects: ['$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>', '$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>'],
} as const;

/** Families of events: each has its own sequence per booking, and a consumer that takes a family takes all of it. */
export const FAMILIES = {
  /** Holds taken and extended. */
  hold: 'booking.hold.>',
  /** What became of a booking: offered, confirmed, cancelled, expired, failed, rescheduled; and that one is to be paid. */
  booking: 'booking.booking.>',
  /** What the checkout saga asks of the payment service. */
  checkout: 'booking.checkout.>',
  /** What the payment service answers. */
  payment: 'payment.payment.>',
  /** What concerns an account; its sequence is the user's. */
  account: 'identity.account.>',
  notification_retry: 'notification_retry.>',
  dead_letter: 'dead_letter.>',
} as const;

export type Family = keyof typeof FAMILIES;

export const CONSUMERS = {
  'payment-checkout': { stream: 'BOOKING', family: 'checkout' },
  'booking-payment': { stream: 'PAYMENT', family: 'payment' },
  'notification-booking': { stream: 'BOOKING', family: 'booking' },
  'notification-account': { stream: 'IDENTITY', family: 'account' },
  'notification-retry': { stream: 'NOTIFICATION_RETRY', family: 'notification_retry' },
} as const satisfies Record<string, { stream: StreamName; family: Family }>;

export type ConsumerName = keyof typeof CONSUMERS;

/** The consumers that take a family; none for families that are kept for later. */
export function consumersOf(family: string): ConsumerName[] {
  return (Object.keys(CONSUMERS) as ConsumerName[]).filter((name) => CONSUMERS[name].family === family);
}

/** Name of the events that tell of a consumer's dead letters. */
export function deadLetterName(consumer: string): string {
  return consumer.replaceAll('-', '_');
}

/** The stream that holds a subject. @throws for a subject of no stream. */
export function streamOf(subject: string): StreamName {
  const found = (Object.keys(STREAMS) as StreamName[]).find((name) =>
    STREAMS[name].subjects.some((pattern) => subject.startsWith(pattern.slice(0, -1))),
  );
  if (!found) throw new Error(`no stream holds ${subject}`);
  return found;
}

/** Where a consumer answers which of the given events it lacks; both are JSON arrays of event ids. */
export function lackingSubject(consumer: ConsumerName): string {
  return `ask.lacking.${consumer}`;
}

/** Subjects carry a partition, so that ordered consumption can later be spread over processes without a new layout. */
export const PARTITIONS = 16;

export function partitionOf(orderingKey: string): number {
  let hash = 0;
  for (let i = 0; i < orderingKey.length; i++) hash = (Math.imul(hash, 31) + orderingKey.charCodeAt(i)) | 0;
  return (hash >>> 0) % PARTITIONS;
}

/** Subject of one event, e.g. `booking.checkout.07.capture_requested`. */
export function subjectOf(family: Family, orderingKey: string, name: string): string {
  const partition = String(partitionOf(orderingKey)).padStart(2, '0');
  return FAMILIES[family].replace('>', `${partition}.${name}`);
}

function streamConfig(name: StreamName, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name,
    subjects: [...STREAMS[name].subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // A full stream refuses: the outbox keeps the message. Dropping the oldest would lose what a consumer has not read.
    discard: DiscardPolicy.New,
    max_age: 7 * DAY_MS * NANOS,
    // No max_bytes: the server would reserve that much disk at once and refuse to start the stream on a smaller one. Its own
    // max_file_store is the limit, and with `discard: new` a full store refuses as well.
    max_msg_size: 256 * 1024,
    duplicate_window: 120_000 * NANOS,
    num_replicas: replicas,
  };
}

function advisoryConfig(replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: ADVISORIES.stream,
    subjects: [...ADVISORIES.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: 7 * DAY_MS * NANOS,
    max_msgs: 10_000,
    num_replicas: replicas,
  };
}

/**
 * How long the broker waits for an answer before it delivers a message again. One that was in the hands of a process when it died
 * comes after this time: a customer waits for it. Whoever needs longer says so in time.
 */
export const ACK_WAIT_MS = 10_000;

function consumerConfig(name: ConsumerName): Partial<ConsumerConfig> {
  return {
    durable_name: name,
    filter_subject: FAMILIES[CONSUMERS[name].family],
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_MS * NANOS,
    // The server never gives up on a message: the inbox counts and dead-letters.
    max_deliver: -1,
    max_ack_pending: 1000,
  };
}

/**
 * Makes every stream and consumer exist as declared. Safe to run again, from several processes, and after a wiped store. `replicas` is
 * how many servers of a cluster keep each stream; consumers follow their stream.
 */
export async function ensureTopology(jsm: JetStreamManager, replicas = 1): Promise<void> {
  for (const name of Object.keys(STREAMS) as StreamName[]) await ensureStream(jsm, streamConfig(name, replicas));
  await ensureStream(jsm, advisoryConfig(replicas));
  for (const name of Object.keys(CONSUMERS) as ConsumerName[]) {
    const { stream } = CONSUMERS[name];
    try {
      await jsm.consumers.add(stream, consumerConfig(name));
    } catch (error) {
      // 10148: the same for a consumer, from nats-server 2.10 on; earlier ones bring it up to date by themselves.
      if (!hasCode(error, 10148)) throw error;
      await jsm.consumers.update(stream, name, consumerConfig(name));
    }
  }
}

async function ensureStream(jsm: JetStreamManager, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  try {
    await jsm.streams.add(config);
  } catch (error) {
    // 10058: it exists with other settings, so bring those up to date.
    if (!hasCode(error, 10058)) throw error;
    await jsm.streams.update(config.name, config);
  }
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
