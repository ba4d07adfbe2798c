import type { Policy } from './policy-rules.ts';

/**
 * A token bucket: it holds `capacity` tokens and gets `perMs` a millisecond. redis-buckets.ts has the same arithmetic in Lua; a test
 * runs both side by side.
 */
export interface BucketSize {
  readonly capacity: number;
  readonly perMs: number;
  /** A bucket that cannot give what it is asked for gives nothing for so long; 0 for one that just refills. */
  readonly blockMs: number;
}

/** What a process asks of a bucket: to write down what was spent already (negative: not needed after all), and for more. */
export interface Ask {
  readonly spent: number;
  readonly want: number;
}

export interface Grant {
  readonly granted: number;
  /** Whole tokens that are left; negative after a block or when more was spent than there was. */
  readonly left: number;
  /** Until there is a token again; 0 when there is one. */
  readonly waitMs: number;
}

export function sizeOf(policy: Policy, options: { blocks: boolean; share?: number }): BucketSize {
  const share = options.share ?? 1;
  return {
    capacity: Math.max(1, Math.floor((policy.limit + policy.burst) * share)),
    perMs: (policy.limit * share) / (policy.windowSeconds * 1000),
    blockMs: options.blocks ? policy.windowSeconds * 1000 : 0,
  };
}

/** Serves one ask. `tokens` is what the bucket had `elapsedMs` ago. */
export function draw(size: BucketSize, tokens: number, elapsedMs: number, ask: Ask): { tokens: number; grant: Grant } {
  let now = Math.min(size.capacity, tokens + Math.max(0, elapsedMs) * size.perMs);
  now = Math.min(size.capacity, now - ask.spent);
  const granted = Math.max(0, Math.min(ask.want, Math.floor(now)));
  now -= granted;
  // The block begins with the first refusal; asking during it does not make it longer.
  if (size.blockMs > 0 && granted < ask.want && now >= 0) now = 1 - size.blockMs * size.perMs;
  return {
    tokens: now,
    grant: { granted, left: Math.floor(now), waitMs: now >= 1 ? 0 : Math.ceil((1 - now) / size.perMs) },
  };
}
