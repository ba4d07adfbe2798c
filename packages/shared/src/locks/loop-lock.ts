import { Redlock } from '@sesamecare-oss/redlock';
import type { Redis } from '../redis/redis.ts';

export interface LoopLockOptions {
  /** Null runs every round: the lock only spares work. */
  readonly redis: Redis | null;
  readonly name: string;
  /** How long a holder that died keeps others from the work. */
  readonly holdMs?: number;
  /** For how long a replica believes a lock that it does not get, before it works all the same. */
  readonly patienceMs?: number;
}

/**
 * Keeps replicas from doing one loop's work at the same moment. It decides nothing: the loops' statements are safe to run side by
 * side, and a Redis that is gone, restarted or lying costs at most `patienceMs` (2 s), after which the round runs without the lock.
 */
export class LoopLock {
  readonly #options: Required<LoopLockOptions>;
  readonly #redlock: Redlock | null;
  #ranAt = performance.now();

  constructor(options: LoopLockOptions) {
    this.#options = { holdMs: 1_500, patienceMs: 2_000, ...options };
    this.#redlock = options.redis === null ? null : new Redlock([options.redis], { retryCount: 0 });
    // The library also emits what it rejects with.
    this.#redlock?.on('error', () => undefined);
  }

  /** Does the work, unless another replica is at it: then null. What the work throws comes through. */
  async run<T>(work: () => Promise<T>): Promise<T | null> {
    const lock = await this.#acquire();
    if (lock === 'taken' && performance.now() - this.#ranAt < this.#options.patienceMs) return null;
    try {
      return await work();
    } finally {
      this.#ranAt = performance.now();
      if (typeof lock === 'object') await lock.release().catch(() => undefined);
    }
  }

  async #acquire() {
    if (this.#redlock === null || this.#options.redis?.status !== 'ready') return 'without' as const;
    try {
      return await this.#redlock.acquire([`holdfast:loop:${this.#options.name}`], this.#options.holdMs);
    } catch {
      // Somebody else has it, or Redis did not answer in time; the difference does not matter to somebody who is patient.
      return 'taken' as const;
    }
  }
}
