import { Redis } from 'ioredis';
import type { Logger } from 'pino';

export type { Redis };

/** Redis may be gone for hours; one line a minute says so. */
const REMIND_MS = 60_000;

/**
 * A Redis client that never makes anybody wait: a command answers within 100 ms or fails, and fails at once while the connection is
 * down (the library's own defaults keep a request pending for a minute). Redis only speeds things up, so
 * every caller has a way on without it.
 */
export function connectRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 100,
    connectTimeout: 1_000,
    // The library's timer for a connection that does not close keeps the process alive.
    disconnectTimeout: 200,
    retryStrategy: (attempt) => Math.min(5_000, 100 * attempt),
  });
  let remindedAt = -Infinity;
  // Without a listener a lost connection would end the process.
  redis.on('error', (error: Error) => {
    if (performance.now() - remindedAt < REMIND_MS) return;
    remindedAt = performance.now();
    logger.warn({ err: error }, 'Redis is not there, going on without it');
  });
  return redis;
}
