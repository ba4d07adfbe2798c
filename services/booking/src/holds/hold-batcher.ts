import { isRetryable, violatedConstraint } from '@holdfast/shared/db/transaction';
import { isDependencyError } from '@holdfast/shared/http/app';
import type { Logger } from 'pino';
import type { HoldCommand } from './hold-command.ts';
import type { HoldResult } from './settle-hold-batch.ts';

export interface BatcherOptions {
  readonly settle: (commands: readonly HoldCommand[]) => Promise<HoldResult[]>;
  readonly logger: Logger;
  /** Called after a batch that committed something. */
  readonly onSettled: (size: number) => void;
  readonly maxBatch?: number;
  readonly maxInFlight?: number;
  readonly maxWaiting?: number;
}

interface Waiting {
  readonly command: HoldCommand;
  readonly resolve: (result: HoldResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Thrown for a command that finds the queue full. */
export class OverloadedError extends Error {
  override name = 'OverloadedError';
}

const MAX_TRIES = 4;

/**
 * Gathers the hold commands that wait and settles them together, at most `maxInFlight` (2) batches of `maxBatch` (128) at a time. A
 * command that comes while nothing is under way is a batch of its own and waits for nothing.
 */
export class HoldBatcher {
  readonly #options: Required<BatcherOptions>;
  #queue: Waiting[] = [];
  #inFlight = 0;

  constructor(options: BatcherOptions) {
    this.#options = { maxBatch: 128, maxInFlight: 2, maxWaiting: 4_000, ...options };
  }

  /** Settles one command with whatever else waits. @throws OverloadedError when too many wait; database errors as they are. */
  submit(command: HoldCommand): Promise<HoldResult> {
    if (this.#queue.length >= this.#options.maxWaiting)
      return Promise.reject(new OverloadedError('too many holds are waiting'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, resolve, reject });
      // Commands of one internal request arrive in one turn of the event loop and belong together.
      if (this.#queue.length === 1) setImmediate(() => this.#fill());
    });
  }

  #fill(): void {
    while (this.#queue.length > 0 && this.#inFlight < this.#options.maxInFlight) {
      const batch = this.#queue.slice(0, this.#options.maxBatch);
      this.#queue = this.#queue.slice(batch.length);
      this.#inFlight += 1;
      void this.#settle(batch, 1).finally(() => {
        this.#inFlight -= 1;
        this.#fill();
      });
    }
  }

  async #settle(batch: readonly Waiting[], tries: number): Promise<void> {
    try {
      const results = await this.#options.settle(batch.map(({ command }) => command));
      this.#options.onSettled(batch.length);
      results.forEach((result, index) => batch[index]!.resolve(result));
    } catch (error) {
      await this.#recover(batch, tries, error);
    }
  }

  /**
   * Contention and surprises of a constraint run again; so does a lost connection, whose COMMIT may have happened: the second run
   * finds the stored answers. A batch that keeps failing for a reason of its data is halved until the culprit stands alone.
   */
  async #recover(batch: readonly Waiting[], tries: number, error: unknown): Promise<void> {
    const contended = isRetryable(error) || violatedConstraint(error) !== null;
    const down = isDependencyError(error);
    if ((contended || down) && tries < (down ? 2 : MAX_TRIES)) {
      this.#options.logger.warn({ err: error, size: batch.length, tries }, 'hold batch failed, running it again');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries));
      return this.#settle(batch, tries + 1);
    }
    if (!down && batch.length > 1) {
      const middle = batch.length >> 1;
      await this.#settle(batch.slice(0, middle), tries);
      await this.#settle(batch.slice(middle), tries);
      return;
    }
    for (const { reject } of batch) reject(error);
  }
}
