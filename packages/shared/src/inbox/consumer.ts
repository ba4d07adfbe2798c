import type { Logger } from 'pino';
import type { Bus, BusMessage } from '../bus/bus.ts';
import { ACK_WAIT_MS, CONSUMERS, lackingSubject, type ConsumerName } from '../bus/topology.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction, type Tx } from '../db/transaction.ts';
import { failpoint } from '../failpoints.ts';
import { Loop } from '../loop.ts';
import { deadLetter, storable } from './dead-letters.ts';
import { recordFailure, recordStart, tookEffect, type Attempts } from './attempts.ts';
import { KNOWN_VERSION, parseEvent, type IncomingEvent } from './incoming-event.ts';
import { answerLacking } from './lacking-events.ts';
import {
  advancePosition,
  advancePositions,
  claimPosition,
  claimPositions,
  parkMessage,
  readyParked,
  readyParkedOf,
  takeParked,
  unpark,
} from './inbox-store.ts';
import { MessageBatches, type Waiting } from './message-batches.ts';

/** Throw this for a message that no repetition can help: it goes to the dead letters at once. */
export class PermanentMessageError extends Error {
  override name = 'PermanentMessageError';
}

export interface ConsumerOptions {
  readonly name: ConsumerName;
  /** The service, e.g. `payment`: source of the dead-letter copies. */
  readonly service: string;
  readonly bus: Bus;
  readonly pool: Pool;
  readonly logger: Logger;
  /** Applies one event inside the given transaction. What must happen after the commit is returned as a function. */
  readonly handle: (tx: Tx, event: IncomingEvent) => Promise<void | (() => void)>;
  /**
   * Applies events of as many bookings inside one transaction, as `handle` would one by one; for what waits at the same time. It takes
   * all locks that it needs in the service's common order. Where it throws, each event is handled alone, and so is an event that comes
   * again. Without it every event has a transaction of its own.
   */
  readonly handleTogether?: (tx: Tx, events: readonly IncomingEvent[]) => Promise<void | (() => void)>;
  /** Called after a dead letter was written, to nudge the relay. */
  readonly onDeadLetter?: () => void;
  /** Deliveries after which a message is given up; default 10. */
  readonly maxAttempts?: number;
  /** The newest version of events that `handle` understands; what is newer waits for a release that does. */
  readonly knownVersion?: number;
  /** Bookings handled side by side; default 8. Messages of one booking are handled one after the other. */
  readonly concurrency?: number;
}

/** How often a consumer is compared with its stream: one that is ahead is found within 15 s. */
const PLACE_INTERVAL_MS = 5_000;

/** After so many deliveries that ended with their process a message is given up: it may be what kills them. */
const MAX_DEATHS = 3;

/** Events of one transaction, and such transactions side by side. */
const BATCHES = { most: 32, sideBySide: 2 };

/** The outcome of one delivery; for tests and metrics. */
export type DeliveryOutcome = 'applied' | 'duplicate' | 'parked' | 'retry' | 'dead';

interface AppliedInOrder {
  outcome: 'applied' | 'duplicate' | 'parked';
  afterCommit?: () => void;
}

/**
 * Consumes one durable consumer with effects exactly once: inbox row, position and effect commit together, the acknowledgement
 * follows. Events of one ordering key take effect in sequence: an early one is parked, and where one is dead-lettered the later
 * ones wait (G6). A failing message is tried again with growing delays and given up after `maxAttempts`.
 */
export class InboxConsumer {
  readonly #options: ConsumerOptions;
  readonly #chains = new Map<string, Promise<void>>();
  /** Taken from the broker and not answered. */
  readonly #inHand = new Set<BusMessage>();
  /** Events whose last attempt failed here without the database learning of it. */
  readonly #endedHere = new Set<string>();
  #stillWorking: NodeJS.Timeout | null = null;
  #active = 0;
  readonly #waiting: (() => void)[] = [];
  #subscription: { stop(): Promise<void> } | null = null;
  readonly #sweep: Loop;
  readonly #place: Loop;
  readonly #batches = new MessageBatches((batch) => this.#deliverTogether(batch), BATCHES);

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#sweep = new Loop({
      name: `${options.name}-parked`,
      intervalMs: 1_000,
      logger: options.logger,
      runOnce: () => this.sweepParked(),
    });
    this.#place = new Loop({
      name: `${options.name}-place`,
      intervalMs: PLACE_INTERVAL_MS,
      logger: options.logger,
      runOnce: () => this.checkPlace().then(() => ({ more: false })),
    });
  }

  /**
   * Begins again when the broker's store came back half: with a consumer that is ahead of its stream, every new message up to that
   * place would be passed over. Returns whether it did.
   */
  async checkPlace(): Promise<boolean> {
    const { bus, name, logger } = this.#options;
    // The consumer first: it must not be compared with a stream that was read before it moved on.
    const { deliveredSeq } = await bus.consumerState(name);
    const { lastSeq } = await bus.streamState(CONSUMERS[name].stream);
    if (deliveredSeq <= lastSeq) return false;
    logger.error(
      { consumer: name, delivered: deliveredSeq, last: lastSeq },
      'consumer is ahead of its stream: it begins again',
    );
    await bus.resetConsumer(name);
    return true;
  }

  /** Applies parked messages whose turn came while nobody looked: after a crash, or after a failed attempt. */
  async sweepParked(): Promise<{ more: boolean }> {
    const ready = await readyParked(this.#options.pool, this.#options.name);
    for (const { orderingKey, family } of ready) await this.drainParked(orderingKey, family);
    return { more: false };
  }

  async start(): Promise<void> {
    const { bus, pool, name } = this.#options;
    bus.onRequest(lackingSubject(name), name, (ids) => answerLacking(pool, name, ids));
    bus.onReconnect(() => this.#place.nudge());
    this.#sweep.start();
    this.#place.start();
    this.#stillWorking = setInterval(() => this.#inHand.forEach((message) => message.working()), ACK_WAIT_MS / 3);
    this.#subscription = await this.#options.bus.consume(this.#options.name, (message) => this.#enqueue(message));
  }

  /** Stops fetching and waits for what is being handled. */
  async stop(): Promise<void> {
    await this.#subscription?.stop();
    await Promise.all([this.#sweep.stop(), this.#place.stop()]);
    await Promise.all(this.#chains.values());
    if (this.#stillWorking) clearInterval(this.#stillWorking);
  }

  #enqueue(message: BusMessage): void {
    const key = orderingKeyOf(message);
    this.#inHand.add(message);
    const before = this.#chains.get(key) ?? Promise.resolve();
    const chain = before.then(() => this.#deliverInTurn(message)).then(() => void this.#inHand.delete(message));
    this.#chains.set(key, chain);
    void chain.finally(() => {
      if (this.#chains.get(key) === chain) this.#chains.delete(key);
    });
  }

  async #deliverInTurn(message: BusMessage): Promise<void> {
    const event = this.#options.handleTogether && !message.redelivered ? this.#readable(message) : null;
    if (event) await this.#batches.add({ message, event });
    else await this.#limited(() => this.deliver(message));
  }

  /** The event of a message that may be handled together with others; what is wrong with another is found where it is handled alone. */
  #readable(message: BusMessage): IncomingEvent | null {
    try {
      const event = parseEvent(message.payload, CONSUMERS[this.#options.name].family);
      return event.version > this.#knownVersion ? null : event;
    } catch {
      return null;
    }
  }

  /** Handles a batch to its end. What cannot be handled together is handled alone, where it harms nobody else. */
  async #deliverTogether(batch: readonly Waiting[]): Promise<void> {
    const { name, logger } = this.#options;
    let alone = batch;
    if (batch.length > 1) {
      try {
        const applied = await this.applyTogether(batch);
        alone = batch.filter((waiting) => !applied.has(waiting));
      } catch (error) {
        logger.warn(
          { err: error, consumer: name, events: batch.length },
          'a batch failed, each of it is handled alone',
        );
      }
    }
    await Promise.all(alone.map(({ message }) => this.#limited(() => this.deliver(message))));
  }

  /**
   * Applies those messages of a batch whose turn it is in one transaction, and acknowledges them. Returns which; the others came
   * before, or too early. @throws when they cannot be applied together: then none of them was.
   */
  async applyTogether(batch: readonly Waiting[]): Promise<ReadonlySet<Waiting>> {
    const { name, pool, handleTogether } = this.#options;
    failpoint(`${name}.before_tx`);
    const { ready, afterCommit } = await withTransaction(pool, async (tx) => {
      const positions = await claimPositions(
        tx,
        name,
        batch.map(({ event }) => event),
      );
      const next = batch.filter(({ event }) => {
        const position = positions.get(event.id);
        return position && !position.seen && event.sequence === position.lastSeq + 1;
      });
      if (next.length === 0) return { ready: next, afterCommit: undefined };
      const events = next.map(({ event }) => event);
      const followUp = await handleTogether!(tx, events);
      await advancePositions(tx, name, events);
      failpoint(`${name}.before_commit`);
      return { ready: next, afterCommit: followUp };
    });
    failpoint(`${name}.after_commit`);
    afterCommit?.();
    failpoint(`${name}.before_ack`);
    for (const { message } of ready) message.ack();
    await this.#drainParkedOf(ready).catch((error: unknown) => {
      // They took effect; whatever waits behind them is the sweep's.
      this.#options.logger.warn({ err: error, consumer: name }, 'could not look for parked messages');
    });
    return new Set(ready);
  }

  async #drainParkedOf(applied: readonly Waiting[]): Promise<void> {
    const { name, pool } = this.#options;
    const keys = applied.map(({ event }) => event.orderingKey);
    if (keys.length === 0) return;
    for (const key of await readyParkedOf(pool, name, keys)) await this.drainParked(key, CONSUMERS[name].family);
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#active >= (this.#options.concurrency ?? 8)) await new Promise<void>((go) => this.#waiting.push(go));
    this.#active += 1;
    try {
      return await work();
    } finally {
      this.#active -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Handles one delivery to its end and acknowledges it. Never throws. */
  async deliver(message: BusMessage): Promise<DeliveryOutcome> {
    const { name, pool, logger } = this.#options;
    failpoint(`${name}.before_tx`);
    let event: IncomingEvent | null = null;
    let attempts = message.deliveries;
    try {
      event = parseEvent(message.payload, CONSUMERS[name].family);
      if (message.redelivered) {
        const known = await this.#begin(event, 1);
        attempts = known.attempts;
        const cause = causeToGiveUp(known, this.#maxAttempts);
        if (cause) {
          if (await tookEffect(pool, name, event.id)) {
            message.ack();
            return 'duplicate';
          }
          await this.#giveUp(message, event, attempts, cause, null);
          message.ack();
          return 'dead';
        }
      }
      const outcome = await this.#apply(message, event);
      failpoint(`${name}.before_ack`);
      message.ack();
      return outcome;
    } catch (error) {
      try {
        if (event === null || error instanceof PermanentMessageError) {
          await this.#giveUp(message, event, attempts, event === null ? 'malformed' : 'permanent', error);
          message.ack();
          return 'dead';
        }
        // Noted here first: without the database nobody else will know that the attempt ended.
        this.#endedHere.add(event.id);
        await recordFailure(pool, name, event.id, describe(error));
        this.#endedHere.delete(event.id);
      } catch (bookkeeping) {
        logger.warn({ err: bookkeeping, consumer: name }, 'could not record a failed delivery');
      }
      logger.warn(
        { err: error, consumer: name, event_id: event?.id, attempts },
        'message failed, will be delivered again',
      );
      message.nak(pauseBefore(attempts));
      return 'retry';
    }
  }

  async #apply(message: BusMessage, event: IncomingEvent): Promise<DeliveryOutcome> {
    const outcome = await this.#applyInOrder(message.subject, message.payload, event);
    if (outcome !== 'parked') await this.drainParked(event.orderingKey, event.family);
    return outcome;
  }

  /**
   * Applies whatever arrived too early and is next now, each in a transaction of its own. A failure is counted against the parked
   * message and left to the sweep; it never comes out as an error.
   */
  async drainParked(orderingKey: string, family: string): Promise<void> {
    const { name, pool, logger } = this.#options;
    for (;;) {
      const parked = await takeParked(pool, name, orderingKey, family);
      if (!parked) return;
      const event = parseEvent(parked.payload, CONSUMERS[name].family);
      if (event.version > this.#knownVersion) return;
      const known = await this.#begin(event, 0);
      const { attempts } = known;
      const cause = causeToGiveUp(known, this.#maxAttempts);
      if (cause) {
        await this.#giveUp(parked, event, attempts, cause, null);
        await unpark(pool, name, event);
        return;
      }
      try {
        const outcome = await this.#applyInOrder(parked.subject, parked.payload, event);
        // An id that took effect under another number: it would be taken from the parked ones for ever.
        if (outcome === 'duplicate') await unpark(pool, name, event);
      } catch (error) {
        this.#endedHere.add(event.id);
        await recordFailure(pool, name, event.id, describe(error));
        this.#endedHere.delete(event.id);
        logger.warn({ err: error, consumer: name, event_id: event.id, attempts }, 'parked message failed');
        if (!(error instanceof PermanentMessageError)) return;
        await this.#giveUp(parked, event, attempts, 'permanent', error);
        await unpark(pool, name, event);
        return;
      }
    }
  }

  /** Counts an attempt that begins now. */
  async #begin(event: IncomingEvent, unwatched: 0 | 1): Promise<Attempts> {
    const endedHere = this.#endedHere.has(event.id);
    const known = await recordStart(this.#options.pool, this.#options.name, event.id, { unwatched, endedHere });
    this.#endedHere.delete(event.id);
    return known;
  }

  get #knownVersion(): number {
    return this.#options.knownVersion ?? KNOWN_VERSION;
  }

  get #maxAttempts(): number {
    return this.#options.maxAttempts ?? 10;
  }

  async #applyInOrder(
    subject: string,
    payload: string,
    event: IncomingEvent,
  ): Promise<'applied' | 'duplicate' | 'parked'> {
    const { name, pool } = this.#options;
    const { outcome, afterCommit } = await withTransaction<AppliedInOrder>(pool, async (tx) => {
      const { lastSeq, seen } = await claimPosition(tx, name, event);
      if (seen || event.sequence <= lastSeq) return { outcome: 'duplicate' };
      // What this release does not understand waits like what comes too early, and its booking's later events behind it.
      if (event.sequence > lastSeq + 1 || event.version > this.#knownVersion) {
        await parkMessage(tx, name, event, subject, payload);
        return { outcome: 'parked' };
      }
      const followUp = await this.#options.handle(tx, event);
      await advancePosition(tx, name, event);
      failpoint(`${name}.before_commit`);
      return followUp ? { outcome: 'applied', afterCommit: followUp } : { outcome: 'applied' };
    });
    failpoint(`${name}.after_commit`);
    afterCommit?.();
    return outcome;
  }

  async #giveUp(
    message: Pick<BusMessage, 'subject' | 'payload' | 'headers'>,
    event: IncomingEvent | null,
    attempts: number,
    cause: string,
    error: unknown,
  ): Promise<void> {
    const { name, pool, service, logger } = this.#options;
    await withTransaction(pool, (tx) =>
      deadLetter(tx, {
        consumer: name,
        service,
        subject: message.subject,
        payload: message.payload,
        headers: message.headers,
        event,
        attempts,
        cause,
        error: error === null ? null : describe(error),
      }),
    );
    logger.error({ consumer: name, event_id: event?.id, cause, attempts }, 'message moved to the dead letters');
    this.#options.onDeadLetter?.();
  }
}

function orderingKeyOf(message: BusMessage): string {
  // A cheap look, not a parse: malformed payloads share one chain and are dealt with in deliver().
  return /"subject":"([^"]+)"/.exec(message.payload.slice(0, 400))?.[1] ?? '';
}

/** Why a message is given up instead of the attempt that begins; null for going on with it. */
function causeToGiveUp(known: Attempts, maxAttempts: number): 'attempts_exhausted' | 'process_ended' | null {
  if (known.deaths >= MAX_DEATHS) return 'process_ended';
  return known.attempts > maxAttempts ? 'attempts_exhausted' : null;
}

/** Milliseconds until a failed message comes again: up to 0.4 s, 0.8 s … 30 s, by chance, so that what failed together does not come together. */
function pauseBefore(attempts: number): number {
  const longest = Math.min(30_000, 200 * 2 ** Math.min(attempts, 8));
  return Math.round(longest * (0.5 + Math.random() / 2));
}

function describe(error: unknown): string {
  return storable(error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 2_000);
}
