import { createChainLoop } from '@holdfast/shared/audit/audit-chain';
import { auditInvariants } from '@holdfast/shared/audit/audit-invariants';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { setTimeout } from 'node:timers/promises';
import { createPool } from '@holdfast/shared/db/pool';
import { showBroker } from '@holdfast/shared/delivery-state/broker-metrics';
import { createDeliveryMetrics } from '@holdfast/shared/delivery-state/delivery-metrics';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import { Relay } from '@holdfast/shared/outbox/relay';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import { createPruneLoop } from '@holdfast/shared/retention/prune-old-rows';
import { createSealer } from '@holdfast/shared/secrets/sealed-text';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { showPool } from '@holdfast/shared/telemetry/pool-metrics';
import type { Pool } from 'undici';
import { Loop } from '@holdfast/shared/loop';
import { connectRedis } from '@holdfast/shared/redis/redis';
import { Authenticator } from './border/authenticate.ts';
import { answerBrokenRequests } from './border/broken-requests.ts';
import type { Config } from './config.ts';
import { createIdentityEvents } from './events.ts';
import { bookingTransport } from './holds/booking-transport.ts';
import { HoldGatherer } from './holds/gather-holds.ts';
import { createHttp } from './http.ts';
import { createCsrfGuard } from './identity/csrf.ts';
import { PasswordHasher } from './identity/password.ts';
import { PreparedIdentity } from './identity/prepare-identity.ts';
import { successorMaker } from './identity/refresh-token.ts';
import { ResetMailer } from './identity/reset-mailer.ts';
import { moneyInvariant } from './integrity/check-money.ts';
import { Revocations } from './identity/revocations.ts';
import { RoleChanges } from './identity/role-changes.ts';
import { TokenMemory } from './identity/token-memory.ts';
import { createGatewayMetrics } from './metrics.ts';
import { ServiceLink } from './proxy/service-link.ts';
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
  readonly roleChanges: RoleChanges;
  readonly resetMailer: ResetMailer;
  /** Listens and prepares identity in the background. Resolves with the port. @throws when the port is taken. */
  start(): Promise<number>;
  /** Lets running requests finish, then closes every connection. May be called twice, and before `start`. */
  stop(): Promise<void>;
}

const FIRST_LOAD_MS = 1_000;
const PRUNE_MS = 60_000;
/** Holds that wait for a price at a time. */
const HOLDS_APART = 128;
/** To one service in one lane, those that wait for a connection included: more would wait for longer than their limit. */
const MAX_CALLS = 512;
const LINK_STATES = { closed: 0, half_open: 1, open: 2 } as const;

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
  showPool(metrics.registry, pool);
  const upstreams = {
    booking: createUpstream(config.upstreams.booking, 64),
    payment: createUpstream(config.upstreams.payment, 64),
    notification: createUpstream(config.upstreams.notification, 4),
  };
  // Connections of their own: holding and paying must not queue behind reads that are slow.
  const checkout = createUpstream(config.upstreams.booking, 64);
  const holds = createUpstream(config.upstreams.booking, 4);
  const holdsApart = createUpstream(config.upstreams.booking, HOLDS_APART);
  const linkTo = (service: string, lane: string, pool: Pool, maxCalls: number) => {
    metrics.links.set({ service, lane }, LINK_STATES.closed);
    return new ServiceLink({
      ...{ service, pool, maxCalls },
      onState: (state) => {
        metrics.links.set({ service, lane }, LINK_STATES[state]);
        logger.warn({ upstream: service, lane, state }, 'calls to a service stop or begin again');
      },
    });
  };
  const redis = config.redisUrl === null ? null : connectRedis(config.redisUrl, logger);
  const limiter = new LeasedLimiter({ shared: redis && new RedisBuckets(redis), logger });
  const pruning = new Loop({
    name: 'prune-attempts',
    intervalMs: PRUNE_MS,
    logger,
    runOnce: () => pruneAttempts(pool),
  });
  const pruningMessages = createPruneLoop({ pool, logger });
  const chaining = createChainLoop({ pool, logger });
  const auditor = new Auditor({
    service: 'gateway',
    invariants: [...messagingInvariants('identity'), ...auditInvariants('identity')],
    computed: [moneyInvariant({ upstreams, internalSecret: config.internalSecret })],
    pool,
    logger,
    registry: metrics.registry,
  });

  const hasher = new PasswordHasher();
  const memory = new TokenMemory();
  const identity = new PreparedIdentity({ pool, hasher, logger }, config.admin, () => memory.clear());
  const revocations = new Revocations(pool, logger);
  const roleChanges = new RoleChanges(pool, logger);
  const events = createIdentityEvents(metrics, logger);
  const csrf = createCsrfGuard(config.internalSecret, {
    allowedOrigins: config.corsOrigins,
    onRefused: () => events.refused('csrf'),
  });
  const sealer = createSealer(config.internalSecret, 'mailed token');

  // Absent until NATS answers; what is for the bus waits in the outbox, so sign-in does not depend on it.
  let bus: Bus | null = null;
  let relay: Relay | null = null;
  const connecting = new AbortController();
  const nudgeRelay = () => relay?.nudge();
  const resetMailer = new ResetMailer({ pool, sealer, nudgeRelay, logger });
  const delivery = createDeliveryMetrics({ registry: metrics.registry, pool, bus: () => bus, service: 'gateway' });
  showBroker(metrics.registry, () => bus);
  const publish = async () => {
    bus = await connectBus({
      url: config.natsUrl,
      replicas: config.natsReplicas,
      name: 'gateway',
      logger,
      signal: connecting.signal,
    });
    relay = new Relay({ pool, bus, logger, service: 'gateway', onPublished: delivery.onPublished });
    relay.start();
  };
  const { app, listener } = createHttp({
    pool,
    bus: () => bus,
    auditor,
    hasher,
    identity,
    revocations,
    roleChanges,
    csrf,
    sealer,
    events,
    authenticator: new Authenticator({ identity, memory, revocations, roleChanges, csrf, events }),
    successorsOf: successorMaker(config.internalSecret),
    nudgeRelay,
    nudgeMailer: () => resetMailer.nudge(),
    internalSecret: config.internalSecret,
    trustedProxies: config.trustedProxies,
    metricsAllowed: config.metricsAllowed,
    corsOrigins: config.corsOrigins,
    publicHosts: config.publicHosts,
    upstreams,
    links: {
      booking: linkTo('booking', 'browse', upstreams.booking, MAX_CALLS),
      checkout: linkTo('booking', 'checkout', checkout, MAX_CALLS),
      payment: linkTo('payment', 'all', upstreams.payment, MAX_CALLS),
      notification: linkTo('notification', 'all', upstreams.notification, MAX_CALLS),
    },
    limits: { policies: config.limits, limiter, refused: metrics.rateLimited },
    attempts: new AttemptLimits(pool, config.limits),
    gatherer: new HoldGatherer({ transport: bookingTransport(linkTo('booking', 'holds', holds, 4)) }),
    apart: new HoldGatherer({
      transport: bookingTransport(linkTo('booking', 'holds-apart', holdsApart, HOLDS_APART), '/internal/holds/apart'),
      maxBatch: 1,
      maxInFlight: HOLDS_APART,
      maxQueue: 1_000,
      // As long as the hold itself may take.
      callLimitMs: 2_800,
    }),
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
      {
        name: 'nats',
        critical: false,
        run: async () => {
          if (!bus) throw new Error('not connected yet; mails about accounts wait');
          return `round trip ${await bus.ping()} ms`;
        },
      },
    ],
    logger,
    metrics,
  });

  let server: RunningServer | null = null;
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    connecting.abort();
    await server?.stop();
    await Promise.all(
      [identity, revocations, roleChanges, resetMailer, pruning, pruningMessages, auditor, chaining, limiter].map(
        (part) => part.stop(),
      ),
    );
    await relay?.stop();
    await bus?.close();
    await Promise.all([...Object.values(upstreams), checkout, holds, holdsApart].map((upstream) => upstream.destroy()));
    redis?.disconnect();
    await pool.end();
  };
  return {
    logger,
    identity,
    revocations,
    roleChanges,
    resetMailer,
    async start() {
      // Whoever connects finds the keys loaded, where the database answers. Where it does not, the gateway comes up without them.
      await Promise.race([
        identity.runOnce().catch(() => undefined),
        setTimeout(FIRST_LOAD_MS, undefined, { ref: false }),
      ]);
      server = await listen(app, { listener, host: config.host, port: config.port });
      answerBrokenRequests(server.server, (code) => metrics.refused.inc({ code }));
      identity.start();
      revocations.start();
      pruning.start();
      pruningMessages.start();
      auditor.start();
      chaining.start();
      roleChanges.start();
      resetMailer.start();
      void publish().catch((error: unknown) => {
        if (!connecting.signal.aborted) logger.error({ err: error }, 'mails about accounts cannot be published');
      });
      logger.info({ port: server.port }, 'gateway listens');
      return server.port;
    },
    stop: () => (stopped ??= stop()),
  };
}
