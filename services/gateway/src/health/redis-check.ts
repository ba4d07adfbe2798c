import type { HealthCheck } from '@holdfast/shared/http/health';
import { connectRedis } from '@holdfast/shared/redis/redis';
import type { Logger } from '@holdfast/shared/telemetry/logger';

export interface RedisCheck {
  readonly check: HealthCheck;
  stop(): Promise<void>;
}

/** Redis only speeds things up: when it is down that is a warning. */
export function createRedisCheck(url: string, logger: Logger): RedisCheck {
  const redis = connectRedis(url, logger);
  return {
    check: { name: 'redis', critical: false, run: () => redis.ping() },
    stop: () => {
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
