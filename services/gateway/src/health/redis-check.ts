import type { HealthCheck } from '@holdfast/shared/http/health';
import { Redis } from 'ioredis';

export interface RedisCheck {
  readonly check: HealthCheck;
  stop(): Promise<void>;
}

/** Redis only speeds things up: when it is down that is a warning. */
export function createRedisCheck(url: string): RedisCheck {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 100,
    connectTimeout: 1_000,
  });
  // Without a listener a lost connection would end the process.
  redis.on('error', () => undefined);
  return {
    check: {
      name: 'redis',
      critical: false,
      run: async () => {
        if (redis.status === 'wait') await redis.connect();
        return redis.ping();
      },
    },
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
