import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { currentSecret, type Secrets } from '../secrets/secret-ring.ts';
import { loginOf, type Login } from '../secrets/url-login.ts';
import { watchSecret } from '../secrets/watch-secret.ts';

export type { Redis };

/** Redis may be gone for hours; one line a minute says so. */
const REMIND_MS = 60_000;

/**
 * A Redis client that never makes anybody wait: a command answers within 100 ms or fails, and fails at once while the connection is
 * down (the library's own defaults keep a request pending for a minute). Redis only speeds things up, so
 * every caller has a way on without it. User and password of `url` are asked for again while the process runs; the address stays.
 */
export function connectRedis(url: Secrets, logger: Logger): Redis {
  const redis = new Redis(currentSecret(url), {
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
  const stopWatching = watchSecret(url, (current) => {
    const login = loginOf(current);
    // The library reads them at each connection.
    redis.options.username = login?.user;
    redis.options.password = login?.password;
    logger.info('who we are to Redis has changed');
    void introduceAgain(redis, login);
  });
  redis.once('end', stopWatching);
  return redis;
}

/** On the connection that stands, so that no command is cut off; one that the server refuses is made anew. */
async function introduceAgain(redis: Redis, login: Login | null): Promise<void> {
  if (login === null || redis.status !== 'ready') return redis.disconnect(true);
  try {
    await (login.user === '' ? redis.auth(login.password) : redis.auth(login.user, login.password));
  } catch {
    redis.disconnect(true);
  }
}
