import { createPool } from '@holdfast/shared/db/pool';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { Loop } from '@holdfast/shared/loop';
import { connectRedis } from '@holdfast/shared/redis/redis';
import { Authenticator } from './border/authenticate.ts';
import { answerBrokenRequests } from './border/broken-requests.ts';
import type { Config } from './config.ts';
import { bookingTransport } from './holds/booking-transport.ts';
import { HoldGatherer } from './holds/gather-holds.ts';
import { createHttp } from './http.ts';
import { PasswordHasher } from './identity/password.ts';
import { PreparedIdentity } from './identity/prepare-identity.ts';
import { successorMaker } from './identity/refresh-token.ts';
import { Revocations } from './identity/revocations.ts';
import { TokenMemory } from './identity/token-memory.ts';
import { createGatewayMetrics } from './metrics.ts';
import { createUpstream } from './proxy/upstream.ts';
import { LeasedLimiter } from './rate-limit/leased-limiter.ts';
import { AttemptLimits } from './rate-limit/limit-attempts.ts';
import { pruneAttempts } from './rate-limit/prune-attempts.ts';
import { RedisBuckets } from './rate-limit/redis-buckets.ts';

export interface Overrides {
  readonly logger?: Logger;
}

export interface GatewayService {
  readonly logger: Logger;
  /** The loops, for tests that would rather drain than wait. */
  readonly identity: PreparedIdentity;
  readonly revocations: Revocations;
  /** Listens and prepares identity in the background. Resolves with the port. @throws when the port is taken. */
  start(): Promise<number>;
  /** Lets running requests finish, then closes every connection. May be called twice, and before `start`. */
  stop(): Promise<void>;
}

const PRUNE_MS = 60_000;

/** Puts the gateway together; nothing connects before `start`. */
export function buildService(config: Config, overrides: Overrides = {}): GatewayService {
  const logger = overrides.logger ?? createLogger({ service: 'gateway', level: config.logLevel });
  const metrics = createGatewayMetrics();
  const pool = createPool({
    connectionString: config.databaseUrl,
    schema: 'identity',
    applicationName: 'holdfast-gateway',
    logger,
  });
  const upstreams = {
    booking: createUpstream(config.upstreams.booking, 64),
    payment: createUpstream(config.upstreams.payment, 64),
    notification: createUpstream(config.upstreams.notification, 4),
  };
  // Connections of their own: a hold must not queue behind reads that are slow.
  const holds = createUpstream(config.upstreams.booking, 4);
  const redis = config.redisUrl === null ? null : connectRedis(config.redisUrl, logger);
  const limiter = new LeasedLimiter({ shared: redis && new RedisBuckets(redis), logger });
  const pruning = new Loop({
    name: 'prune-attempts',
    intervalMs: PRUNE_MS,
    logger,
    runOnce: () => pruneAttempts(pool),
  });

  const hasher = new PasswordHasher();
  const identity = new PreparedIdentity({ pool, hasher, logger }, config.admin);
  const revocations = new Revocations(pool, logger);
  const app = createHttp({
    pool,
    hasher,
    identity,
    revocations,
    authenticator: new Authenticator(identity, new TokenMemory(), revocations),
    successorOf: successorMaker(config.internalSecret),
    internalSecret: config.internalSecret,
    trustedProxies: config.trustedProxies,
    metricsAllowed: config.metricsAllowed,
    corsOrigins: config.corsOrigins,
    upstreams,
    limits: { policies: config.limits, limiter, refused: metrics.rateLimited },
    attempts: new AttemptLimits(pool, config.limits),
    gatherer: new HoldGatherer({ transport: bookingTransport(holds) }),
    checks: [
      { name: 'postgres', critical: true, run: async () => (await pool.query('select 1'), 'connected') },
      {
        name: 'identity',
        critical: true,
        run: () =>
          identity.ready ? Promise.resolve('keys loaded') : Promise.reject(new Error('keys are not loaded yet')),
      },
      // Redis only speeds things up: when it is down that is a warning.
      ...(redis ? [{ name: 'redis', critical: false, run: () => redis.ping() }] : []),
    ],
    logger,
    metrics,
  });

  let server: RunningServer | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    await server?.stop();
    await Promise.all([identity.stop(), revocations.stop(), pruning.stop(), limiter.stop()]);
    await Promise.all([...Object.values(upstreams), holds].map((upstream) => upstream.destroy()));
    redis?.disconnect();
    await pool.end();
  };
  return {
    logger,
    identity,
    revocations,
    async start() {
      server = await listen(app, { host: config.host, port: config.port });
      answerBrokenRequests(server.server);
      identity.start();
      revocations.start();
      pruning.start();
      logger.info({ port: server.port }, 'gateway listens');
      return server.port;
    },
    stop: () => (stopped ??= stop()),
  };
}
