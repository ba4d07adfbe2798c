import type { Logger } from 'pino';

export interface LoopOptions {
  readonly name: string;
  readonly intervalMs: number;
  readonly logger: Logger;
  /** Does one round and says whether there is more to do at once. Must be safe to run in several processes at the same time. */
  readonly runOnce: () => Promise<{ more: boolean }>;
}

/**
 * A component that repeats one piece of work. `nudge()` starts the next round now. `stop()` waits for the round under way; it may
 * be called twice and before `start()`. A round that throws is logged and tried again after a growing pause (at most 5 s).
 */
export class Loop {
  readonly #options: LoopOptions;
  #running: Promise<void> | null = null;
  #stopping = false;
  #nudged = false;
  #wake: (() => void) | null = null;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running || this.#stopping) return;
    this.#running = this.#run();
  }

  /** Begins the next round without waiting for the interval; a nudge during a round is kept for after it. */
  nudge(): void {
    this.#nudged = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      this.#nudged = false;
      let more = false;
      try {
        ({ more } = await this.#options.runOnce());
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#options.logger.warn({ err: error, loop: this.#options.name, failures }, 'loop round failed');
      }
      if (this.#stopping || more || this.#nudged) continue;
      const pause = failures === 0 ? this.#options.intervalMs : Math.min(5_000, 100 * 2 ** Math.min(failures, 6));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = null;
    }
  }
}
