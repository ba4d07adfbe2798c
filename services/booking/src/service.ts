import { createReplayLoop } from '@holdfast/shared/dead-letters/replay-many';
import { createChainLoop } from '@holdfast/shared/audit/audit-chain';
import { auditInvariants } from '@holdfast/shared/audit/audit-invariants';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool } from '@holdfast/shared/db/pool';
import { createDeliveryMetrics } from '@holdfast/shared/delivery-state/delivery-metrics';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import type { HealthCheck } from '@holdfast/shared/http/health';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import { InboxConsumer } from '@holdfast/shared/inbox/consumer';
import type { Stoppable } from '@holdfast/shared/lifecycle';
import { Relay } from '@holdfast/shared/outbox/relay';
import { connectRedis } from '@holdfast/shared/redis/redis';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { showPool } from '@holdfast/shared/telemetry/pool-metrics';
import { AlternativesFinder } from './alternatives/find-alternatives.ts';
import { BookingWatch } from './bookings/booking-watch.ts';
import { handlePaymentEvent, handlePaymentEvents } from './bookings/consumer.ts';
import type { Config } from './config.ts';
import { ReferenceNumbers } from './holds/booking-reference.ts';
import { HoldBatcher } from './holds/hold-batcher.ts';
import { settleHoldBatch } from './holds/settle-hold-batch.ts';
import { buildHttp } from './http.ts';
import { BOOKING_INVARIANTS } from './integrity/booking-invariants.ts';
import { createHallLayouts } from './inventory/hall-layout.ts';
import { readHallRows } from './inventory/read-hall-rows.ts';
import { createLoops } from './loops.ts';
import { createBookingMetrics } from './metrics.ts';
import { showBookingState } from './state-metrics.ts';
import { createQuoter, NO_QUOTER, type Quoter } from './quotes/quoter.ts';

/** What tests replace. */
export interface Overrides {
  readonly logger?: Logger;
}

export interface BookingService extends Stoppable {
  /** Starts the HTTP server and the loops at once, and what needs NATS as soon as it answers. @throws when the port is taken. */
  start(): Promise<{ port: number }>;
}

/** Connections of one process: two batches, eight messages, and whoever reads or pays meanwhile. */
const CONNECTIONS = 16;

/** Builds the service by hand, in the order of its parts; nothing runs before `start`. */
export function buildService(config: Config, overrides: Overrides = {}): BookingService {
  const logger = overrides.logger ?? createLogger({ service: 'booking', level: config.logLevel });
  const metrics = createBookingMetrics();
  const pool = createPool({
    connectionString: config.databaseUrl,
    schema: 'booking',
    max: CONNECTIONS,
    logger,
    applicationName: 'holdfast-booking',
  });
  showPool(metrics.registry, pool);
  const redis = config.redisUrl === null ? null : connectRedis(config.redisUrl, logger);

  // The bus may be long in coming: HTTP is up before it and says that it is not ready.
  let bus: Bus | null = null;
  let relay: Relay | null = null;
  let consumer: InboxConsumer | null = null;
  const onCommit = () => relay?.nudge();
  const watch = new BookingWatch({
    hint: (subject, payload) => bus?.hint(subject, payload),
    onHint: (subject, handle) => bus?.onHint(subject, handle),
  });

  const delivery = createDeliveryMetrics({ registry: metrics.registry, pool, bus: () => bus, service: 'booking' });
  showBookingState(metrics.registry, pool);

  const layouts = createHallLayouts(readHallRows);
  const references = new ReferenceNumbers();
  const holdDeps = { pool, layouts, references, times: config.hold, limits: config.limits };
  const batcher = new HoldBatcher({
    settle: (commands) => settleHoldBatch(holdDeps, commands),
    logger,
    onSettled: (size) => {
      metrics.batchSize.observe(size);
      onCommit();
    },
  });

  const quoter =
    config.quoter === null
      ? NO_QUOTER
      : createQuoter({
          ...config.quoter,
          onChange: (state) => logger[state === 'open' ? 'error' : 'info']({ state }, 'circuit around the quoter'),
        });

  const checks: HealthCheck[] = [
    { name: 'postgres', critical: true, run: async () => `${(await pool.query('select 1')).rowCount} row` },
    {
      name: 'nats',
      critical: true,
      run: async () => (bus ? `${await bus.ping()} ms` : Promise.reject(new Error('not connected yet'))),
    },
  ];
  // Its failures concern events with quoted prices alone.
  if (config.quoter) checks.push({ name: 'quoter_circuit', critical: false, run: () => closedOrThrow(quoter) });
  if (redis) checks.push({ name: 'redis', critical: false, run: () => redis.ping() });
  const chaining = createChainLoop({ pool, logger });
  const replaying = createReplayLoop({ pool, logger });
  const auditor = new Auditor({
    service: 'booking',
    invariants: [...BOOKING_INVARIANTS, ...messagingInvariants('booking'), ...auditInvariants('booking')],
    pool,
    logger,
    registry: metrics.registry,
  });
  const http = buildHttp({
    pool,
    redis,
    auditor,
    bus: () => bus,
    logger,
    metrics,
    internalSecret: config.internalSecret,
    quoting: config.quoter !== null,
    checks,
    bookings: { pool, watch, times: config.hold, onCommit },
    series: { pool, watch, references, holds: holdDeps, fee: config.limits.fee, ...config.series, onCommit },
    waitlist: { pool, layouts, references, limits: config.limits, watch, onCommit },
    holds: {
      batcher,
      quotes: {
        pool,
        quoter,
        logger,
        timeoutMs: config.quoter?.timeoutMs ?? 0,
        onAsked: (outcome) => metrics.quotes.inc({ outcome }),
      },
      alternatives: new AlternativesFinder({ pool, layouts, logger }),
      internalSecret: config.internalSecret,
      logger,
    },
  });
  const loops = createLoops({
    ...{ pool, holds: holdDeps, redis, watch, onCommit, logger, metrics },
    series: config.series.times,
  });

  const stopped = new AbortController();
  const consume = async () => {
    const connected = await connectBus({
      url: config.natsUrl,
      replicas: config.natsReplicas,
      name: 'booking',
      logger,
      signal: stopped.signal,
    });
    bus = connected;
    if (stopped.signal.aborted) return;
    relay = new Relay({
      pool,
      bus: connected,
      logger,
      service: 'booking',
      onPublished: delivery.onPublished,
    });
    relay.start();
    watch.start();
    const answers = { watch, onCommit, logger, halls: layouts };
    consumer = new InboxConsumer({
      name: 'booking-payment',
      service: 'booking',
      bus: connected,
      pool,
      logger,
      handle: handlePaymentEvent(answers),
      handleTogether: handlePaymentEvents(answers),
      onDeadLetter: onCommit,
    });
    await consumer.start();
  };

  let server: RunningServer | null = null;
  return {
    async start() {
      server = await listen(http, { host: config.host, port: config.port });
      logger.info({ port: server.port }, 'listening');
      for (const loop of loops) loop.start();
      auditor.start();
      chaining.start();
      replaying.start();
      consume().catch((error: unknown) => {
        if (!stopped.signal.aborted) logger.error({ err: error }, 'the bus could not be set up');
      });
      return { port: server.port };
    },
    async stop() {
      stopped.abort();
      await server?.stop();
      await Promise.all([
        ...loops.map((loop) => loop.stop()),
        consumer?.stop(),
        auditor.stop(),
        chaining.stop(),
        replaying.stop(),
      ]);
      await relay?.stop();
      await bus?.close();
      redis?.disconnect();
      await quoter.close();
      await pool.end();
    },
  };
}

function closedOrThrow(quoter: Quoter): Promise<string> {
  const state = quoter.state();
  return state === 'closed' ? Promise.resolve(state) : Promise.reject(new Error(`circuit ${state}`));
}
