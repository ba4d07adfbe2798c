import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import {
  consumersOf,
  FAMILIES,
  lackingSubject,
  streamOf,
  type ConsumerName,
  type Family,
  type StreamName,
} from '../bus/topology.ts';
import type { Pool } from '../db/pool.ts';
import { Loop } from '../loop.ts';
import {
  beginEpoch,
  confirm,
  confirmFamily,
  keepCreated,
  readMark,
  readUnconfirmed,
  replay,
  unconfirmedFamilies,
  type UnconfirmedRow,
} from './delivery-store.ts';
import { isLost } from './lost-message.ts';

export interface DeliveryWatchOptions {
  readonly pool: Pool;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly service: string;
  /** Only the process that publishes watches; another one would ask the same. */
  readonly leads: () => boolean;
  /** Called when lost events were put back into the outbox, with their number. */
  readonly onReplayed: (count: number) => void;
}

/** A store that lost something is found within this time and the time that one round takes. */
const INTERVAL_MS = 5_000;
const BATCH = 1_000;
/** So often lost means that something else is wrong with it; it stays unconfirmed, where operators see it. */
const MAX_REPLAYS = 20;

/** What one round did. */
export interface DeliveryRound {
  readonly confirmed: number;
  readonly replayed: number;
  /** Streams that lost their store, or a part of it, since the last round. */
  readonly newEpochs: readonly StreamName[];
}

/**
 * Makes sure that what was published reaches every consumer, whatever the broker's store goes through. JetStream acknowledges before
 * it is on disk, so a store may be wiped, or come back older than its acknowledgements. Each consumer is asked which events it lacks:
 * what none lacks is confirmed, what one lacks and cannot get any more is published again. The inbox absorbs what comes twice.
 */
export class DeliveryWatch {
  readonly #options: DeliveryWatchOptions;
  readonly #loop: Loop;

  constructor(options: DeliveryWatchOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: `${options.service}-delivery-watch`,
      intervalMs: INTERVAL_MS,
      logger: options.logger,
      runOnce: async () => {
        if (!options.leads()) return { more: false };
        const { confirmed, replayed } = await this.runOnce();
        return { more: confirmed + replayed >= BATCH };
      },
    });
  }

  start(): void {
    // A broker that was away may have lost its store.
    this.#options.bus.onReconnect(() => this.#loop.nudge());
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** One round over every family of which something is unconfirmed. @throws the last error when a family could not be looked at. */
  async runOnce(): Promise<DeliveryRound> {
    const { pool, logger, service, onReplayed } = this.#options;
    const newEpochs: StreamName[] = [];
    let [confirmed, replayed, failure] = [0, 0, null as unknown];
    for (const family of await unconfirmedFamilies(pool)) {
      try {
        if (consumersOf(family).length === 0) {
          confirmed += await confirmFamily(pool, family, BATCH);
          continue;
        }
        const stream = streamOf(FAMILIES[family as Family]);
        if (await this.#noticeEpoch(stream)) newEpochs.push(stream);
        const round = await this.#watchFamily(family, stream);
        confirmed += round.confirmed;
        replayed += round.replayed;
      } catch (error) {
        // Consumers that are down must not keep the other families from being looked at.
        failure = error;
      }
    }
    if (replayed > 0) {
      logger.warn({ service, replayed }, 'events were lost on the way to their consumers and are published again');
      onReplayed(replayed);
    }
    if (failure !== null) throw new Error('not every consumer could be asked what it lacks', { cause: failure });
    return { confirmed, replayed, newEpochs };
  }

  async #noticeEpoch(stream: StreamName): Promise<boolean> {
    const { pool, bus, logger } = this.#options;
    // Read before the stream is: what is acknowledged in between must not look like a stream that ends too early.
    const mark = await readMark(pool, stream);
    if (mark === null) return false;
    const state = await bus.streamState(stream);
    if (mark.created === null) await keepCreated(pool, stream, state.created);
    const recreated = mark.created !== null && mark.created !== state.created;
    if (!recreated && mark.highest_seq <= BigInt(state.lastSeq)) return false;
    const began = await beginEpoch(pool, stream, mark, state);
    if (began) {
      logger.error(
        { stream, epoch: mark.epoch + 1, acknowledged: String(mark.highest_seq), last: state.lastSeq, recreated },
        'the stream lost its store or a part of it: a new epoch begins',
      );
    }
    return began;
  }

  async #watchFamily(family: string, stream: StreamName): Promise<{ confirmed: number; replayed: number }> {
    const { pool, bus } = this.#options;
    const rows = await readUnconfirmed(pool, family, BATCH);
    if (rows.length === 0) return { confirmed: 0, replayed: 0 };
    const epoch = (await readMark(pool, stream))?.epoch ?? 0;
    const state = await bus.streamState(stream);
    const lacking = new Set<string>();
    const lost = new Map<string, UnconfirmedRow>();
    for (const name of consumersOf(family)) {
      const consumer = await bus.consumerState(name);
      const ids = new Set(await this.#ask(name, rows));
      for (const row of rows) {
        if (!ids.has(row.id)) continue;
        lacking.add(row.id);
        const message = { streamSeq: row.stream_seq, epoch: row.stream_epoch };
        if (row.replays < MAX_REPLAYS && isLost(message, { epoch, stream: state, consumer })) lost.set(row.id, row);
      }
    }
    const everywhere = rows.filter((row) => !lacking.has(row.id)).map((row) => row.id);
    await confirm(pool, everywhere);
    return { confirmed: everywhere.length, replayed: await replay(pool, [...lost.values()]) };
  }

  async #ask(consumer: ConsumerName, rows: readonly UnconfirmedRow[]): Promise<string[]> {
    const ids = rows.map((row) => row.id);
    return JSON.parse(await this.#options.bus.request(lackingSubject(consumer), JSON.stringify(ids))) as string[];
  }
}
