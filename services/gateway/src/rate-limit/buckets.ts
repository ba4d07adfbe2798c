import { draw, type Ask, type BucketSize, type Grant } from './bucket-rules.ts';

export interface BucketAsk extends Ask {
  /** Name of the bucket; the same in every process. */
  readonly key: string;
  readonly size: BucketSize;
}

/** Where buckets are kept. Answers come in the order of the asks. */
export interface Buckets {
  /** Rejects when the buckets cannot be reached. */
  settle(asks: readonly BucketAsk[]): Promise<readonly Grant[]>;
}

/** Buckets of this process alone: without Redis, and while it is away. Bounded; what was used longest ago is forgotten first. */
export class LocalBuckets implements Buckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #capacity: number;
  readonly #now: () => number;

  constructor(options: { capacity?: number; now?: () => number } = {}) {
    this.#capacity = options.capacity ?? 100_000;
    this.#now = options.now ?? (() => performance.now());
  }

  settle(asks: readonly BucketAsk[]): Promise<readonly Grant[]> {
    return Promise.resolve(asks.map((ask) => this.#settleOne(ask)));
  }

  #settleOne(ask: BucketAsk): Grant {
    const now = this.#now();
    const known = this.#buckets.get(ask.key);
    const { tokens, grant } = draw(ask.size, known?.tokens ?? ask.size.capacity, known ? now - known.at : 0, ask);
    // Put back at the end: a Map keeps the order of insertion.
    this.#buckets.delete(ask.key);
    this.#buckets.set(ask.key, { tokens, at: now });
    if (this.#buckets.size > this.#capacity) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return grant;
  }
}
