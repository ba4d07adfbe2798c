import type { BusMessage } from '../bus/bus.ts';
import type { IncomingEvent } from './incoming-event.ts';

/** A message that waits for its batch. */
export interface Waiting {
  readonly message: BusMessage;
  readonly event: IncomingEvent;
}

interface Queued extends Waiting {
  readonly done: () => void;
}

/**
 * Gathers messages of different bookings that wait at the same time, so that one transaction settles them. A message that comes while
 * little is under way waits for nothing; what comes meanwhile is the next batch. Whoever adds makes sure that no two messages of one
 * booking wait at once.
 */
export class MessageBatches {
  readonly #settle: (batch: readonly Waiting[]) => Promise<void>;
  readonly #most: number;
  readonly #sideBySide: number;
  readonly #queue: Queued[] = [];
  #active = 0;

  /** `settle` handles each message of its batch to the end, and never throws. */
  constructor(
    settle: (batch: readonly Waiting[]) => Promise<void>,
    { most, sideBySide }: { readonly most: number; readonly sideBySide: number },
  ) {
    this.#settle = settle;
    this.#most = most;
    this.#sideBySide = sideBySide;
  }

  /** Resolves when the message was handled. */
  add(waiting: Waiting): Promise<void> {
    return new Promise((done) => {
      this.#queue.push({ ...waiting, done });
      // What the broker hands over in one turn of the event loop travels together.
      setImmediate(() => this.#next());
    });
  }

  #next(): void {
    while (this.#active < this.#sideBySide && this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#most);
      this.#active += 1;
      void this.#settle(batch).finally(() => {
        this.#active -= 1;
        for (const { done } of batch) done();
        this.#next();
      });
    }
  }
}
