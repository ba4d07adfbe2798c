import { createReplayLoop } from '@holdfast/shared/dead-letters/replay-many';
import { createChainLoop } from '@holdfast/shared/audit/audit-chain';
import { auditInvariants } from '@holdfast/shared/audit/audit-invariants';
import type { Bus } from '@holdfast/shared/bus/bus';
import { connectBus } from '@holdfast/shared/bus/bus';
import { createPool } from '@holdfast/shared/db/pool';
import { createDeliveryMetrics } from '@holdfast/shared/delivery-state/delivery-metrics';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import type { HealthCheck } from '@holdfast/shared/http/health';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import type { InboxConsumer } from '@holdfast/shared/inbox/consumer';
import { Relay } from '@holdfast/shared/outbox/relay';
import { Loop } from '@holdfast/shared/loop';
import { createPruneLoop } from '@holdfast/shared/retention/prune-old-rows';
import { createSealer } from '@holdfast/shared/secrets/sealed-text';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { showPool } from '@holdfast/shared/telemetry/pool-metrics';
import { createMetrics } from '@holdfast/shared/telemetry/metrics';
import { Gauge } from 'prom-client';
import type { Channel } from './channels/channel.ts';
import { createEmailChannel } from './channels/email-channel.ts';
import { createTextChannel } from './channels/text-channel.ts';
import { createWebhookChannel } from './channels/webhook-channel.ts';
import type { Config } from './config.ts';
import { accountConsumer, bookingConsumer } from './deliveries/consumer.ts';
import { DeliveryDriver } from './deliveries/delivery-driver.ts';
import { countOpen } from './deliveries/delivery-store.ts';
import { createEvents } from './events.ts';
import { buildHttp } from './http.ts';
import { retryConsumer } from './retries/consumer.ts';
import { pruneAttempts } from './webhooks/prune-attempts.ts';
import { TargetGuard } from './webhooks/target-guard.ts';

export interface ServiceOverrides {
  readonly logger?: Logger;
  readonly channel?: Channel;
  readonly random?: () => number;
  /** Interval of the loops, for tests that nudge them. */
  readonly intervalMs?: number;
}

export interface Service {
  /** Answers over HTTP at once; resolves with the port. Consuming begins when NATS is there, /readyz tells. */
  start(): Promise<number>;
  stop(): Promise<void>;
  /** Resolves when messages are being consumed. */
  readonly consuming: Promise<void>;
}

/** Puts the service together. Nothing connects before `start()`, and nothing that is away makes it exit. */
export function buildService(config: Config, overrides: ServiceOverrides = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: 'notification', level: config.logLevel });
  const metrics = createMetrics('notification');
  const events = createEvents(metrics, logger);
  const pool = createPool({
    connectionString: config.databaseUrl,
    schema: 'notification',
    applicationName: 'holdfast-notification',
    max: 12,
    logger,
  });
  showPool(metrics.registry, pool);
  const channel =
    overrides.channel ??
    createEmailChannel({ ...config.mail, sealer: createSealer(config.internalSecret, 'mailed token') });
  const loopInterval = overrides.intervalMs === undefined ? {} : { intervalMs: overrides.intervalMs };

  let bus: Bus | null = null;
  let relay: Relay | null = null;
  let consumers: InboxConsumer[] = [];
  let server: RunningServer | null = null;
  const stopped = new AbortController();

  const nudgeRelay = () => relay?.nudge();
  const guard = new TargetGuard(config.webhooks);
  const sealer = createSealer(config.internalSecret, 'webhook secret');
  const webhooks = createWebhookChannel({ pool, guard, sealer });
  const phoneSealer = config.sms && createSealer(config.internalSecret, 'phone code');
  const texts = config.sms && phoneSealer && createTextChannel({ ...config.sms, sealer: phoneSealer });
  const channels = [channel, webhooks, ...(texts ? [texts] : [])];
  const common = {
    pool,
    events,
    logger,
    maxAttempts: config.maxSendAttempts,
    random: overrides.random ?? Math.random,
    onOutbox: nudgeRelay,
    ...loopInterval,
  };
  const drivers = channels.map((each) => new DeliveryDriver({ ...common, channel: each }));
  const nudgeDrivers = () => {
    for (const driver of drivers) driver.nudge();
  };

  const openDeliveries = new Gauge({
    name: 'holdfast_notification_deliveries_open',
    help: 'Messages that are not sent yet, by state',
    labelNames: ['state'] as const,
    registers: [metrics.registry],
    async collect() {
      // Without the database the gauge keeps its last value; the other metrics must still be readable.
      const counts = await countOpen(pool).catch(() => null);
      if (!counts) return;
      this.reset();
      for (const { state, count } of counts) this.set({ state }, count);
    },
  });
  for (const state of ['DUE', 'SENDING', 'WAITING']) openDeliveries.set({ state }, 0);

  const checks: HealthCheck[] = [
    { name: 'postgres', critical: true, run: () => pool.query('select 1').then(() => 'answers') },
    {
      name: 'nats',
      critical: true,
      run: async () => {
        if (!bus) throw new Error('not connected yet');
        return `round trip ${await bus.ping()} ms`;
      },
    },
    // Messages wait in the database while the mail server is away, so this service goes on taking them in.
    { name: 'smtp', critical: false, run: () => channel.check() },
  ];

  const chaining = createChainLoop({ pool, logger });
  const delivery = createDeliveryMetrics({ registry: metrics.registry, pool, bus: () => bus, service: 'notification' });
  const replaying = createReplayLoop({ pool, logger });
  const auditor = new Auditor({
    service: 'notification',
    invariants: [...messagingInvariants('notification'), ...auditInvariants('notification')],
    pool,
    logger,
    registry: metrics.registry,
  });
  const pruning = createPruneLoop({ pool, logger });
  const pruningAttempts = new Loop({
    name: 'prune-webhook-attempts',
    intervalMs: 60_000,
    logger,
    runOnce: () => pruneAttempts(pool),
  });

  const connectAndConsume = async () => {
    const connected = await connectBus({
      url: config.natsUrl,
      replicas: config.natsReplicas,
      name: 'notification',
      logger,
      signal: stopped.signal,
    });
    if (stopped.signal.aborted) {
      await connected.close();
      return;
    }
    bus = connected;
    relay = new Relay({
      pool,
      bus: connected,
      logger,
      service: 'notification',
      onPublished: delivery.onPublished,
      ...loopInterval,
    });
    relay.start();
    const common = {
      bus: connected,
      pool,
      logger,
      onDue: nudgeDrivers,
      onDeadLetter: nudgeRelay,
    };
    consumers = [bookingConsumer({ ...common, texts: texts !== null }), accountConsumer(common), retryConsumer(common)];
    for (const consumer of consumers) await consumer.start();
    logger.info('consuming');
  };

  let stopping: Promise<void> | null = null;
  const stop = async () => {
    stopped.abort();
    await server?.stop();
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await Promise.all([
      ...drivers.map((driver) => driver.stop()),
      pruning.stop(),
      pruningAttempts.stop(),
      auditor.stop(),
      chaining.stop(),
      replaying.stop(),
    ]);
    await relay?.stop();
    await bus?.close();
    for (const each of channels) each.close();
    await pool.end();
  };

  const { promise: consuming, resolve: markConsuming } = Promise.withResolvers<void>();

  return {
    consuming,
    async start() {
      const app = buildHttp({
        pool,
        auditor,
        bus: () => bus,
        logger,
        metrics,
        internalSecret: config.internalSecret,
        checks,
        webhooks: { pool, guard, sealer, onDue: nudgeDrivers },
        phones: { pool, sealer: phoneSealer, onDue: nudgeDrivers },
      });
      server = await listen(app, { host: config.host, port: config.port });
      logger.info({ port: server.port }, 'listening');
      for (const driver of drivers) driver.start();
      pruning.start();
      pruningAttempts.start();
      auditor.start();
      chaining.start();
      replaying.start();
      void connectAndConsume().then(markConsuming, (error: unknown) => {
        if (!stopped.signal.aborted) throw error;
      });
      return server.port;
    },
    stop: () => (stopping ??= stop()),
  };
}
