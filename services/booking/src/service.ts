import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool } from '@holdfast/shared/db/pool';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import { InboxConsumer } from '@holdfast/shared/inbox/consumer';
import { Loop } from '@holdfast/shared/loop';
import { LoopLock } from '@holdfast/shared/locks/loop-lock';
import { Relay } from '@holdfast/shared/outbox/relay';
import { connectRedis } from '@holdfast/shared/redis/redis';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createMetrics } from '@holdfast/shared/telemetry/metrics';
import { Counter, Histogram } from 'prom-client';
import { AlternativesFinder } from './alternatives/find-alternatives.ts';
import { handlePaymentEvent } from './bookings/consumer.ts';
import { BookingWatch } from './bookings/booking-watch.ts';
import { expireHolds } from './bookings/expire-holds.ts';
import { driveSagas } from './checkout-saga/saga-driver.ts';
import type { Config } from './config.ts';
import { completeEndedBookings } from './tickets/complete-ended-bookings.ts';
import { driveCancellations } from './event-cancellation/drive-cancellations.ts';
import { HoldBatcher } from './holds/hold-batcher.ts';
import { ReferenceNumbers } from './holds/booking-reference.ts';
import { settleHoldBatch } from './holds/settle-hold-batch.ts';
import { buildHttp } from './http.ts';
import { createHallLayouts } from './inventory/hall-layout.ts';
import { readHallRows } from './inventory/read-hall-rows.ts';

/** The running service. */
export interface BookingService {
  readonly port: number;
  stop(): Promise<void>;
}

/** Everything by hand, in the order in which it is needed. */
export async function startService(config: Config): Promise<BookingService> {
  const logger = createLogger({ service: 'booking', level: config.logLevel });
  const metrics = createMetrics('booking');
  const batchSize = new Histogram({
    name: 'holdfast_hold_batch_size',
    help: 'Hold commands settled in one transaction',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers: [metrics.registry],
  });
  const expiredHolds = new Counter({
    name: 'holdfast_holds_expired_total',
    help: 'Holds that ran out',
    registers: [metrics.registry],
  });
  const completedBookings = new Counter({
    name: 'holdfast_bookings_completed_total',
    help: 'Bookings whose time was over',
    registers: [metrics.registry],
  });
  const published = new Counter({
    name: 'holdfast_outbox_published_total',
    help: 'Events published',
    registers: [metrics.registry],
  });

  const pool = createPool({
    connectionString: config.databaseUrl,
    schema: 'booking',
    logger,
    applicationName: 'holdfast-booking',
  });
  const redis = config.redisUrl === null ? null : connectRedis(config.redisUrl, logger);
  // The bus may be long in coming; HTTP is up before it and says that it is not ready.
  let bus: Bus | null = null;
  let relay: Relay | null = null;
  const onCommit = () => relay?.nudge();
  const lateBus = {
    hint: (subject: string, payload?: string) => bus?.hint(subject, payload),
    onHint: (subject: string, handle: (payload: string) => void) => bus?.onHint(subject, handle),
  };
  const watch = new BookingWatch(lateBus);

  const references = new ReferenceNumbers();
  const holdDeps = {
    pool,
    layouts: createHallLayouts(readHallRows),
    references,
    times: config.hold,
    limits: config.limits,
  };
  const batcher = new HoldBatcher({
    settle: (commands) => settleHoldBatch(holdDeps, commands),
    logger,
    onSettled: (size) => {
      batchSize.observe(size);
      onCommit();
    },
  });

  const http = buildHttp({
    pool,
    logger,
    metrics,
    internalSecret: config.internalSecret,
    checks: [
      { name: 'postgres', critical: true, run: async () => `${(await pool.query('select 1')).rowCount} row` },
      {
        name: 'nats',
        critical: true,
        run: async () => (bus ? `${await bus.ping()} ms` : Promise.reject(new Error('not connected yet'))),
      },
      ...(redis === null ? [] : [{ name: 'redis', critical: false, run: () => redis.ping() }]),
    ],
    bookings: { pool, watch, times: config.hold, onCommit },
    holds: {
      batcher,
      alternatives: new AlternativesFinder({ pool, layouts: holdDeps.layouts, logger }),
      internalSecret: config.internalSecret,
      logger,
    },
  });
  const server: RunningServer = await listen(http, { host: config.host, port: config.port });
  logger.info({ port: server.port }, 'listening');

  const expiryLock = new LoopLock({ redis, name: 'expire-holds' });
  const sagaLock = new LoopLock({ redis, name: 'drive-sagas' });
  const noneEnded = { completed: 0, more: false };
  const idle = { expired: 0, sent: 0, more: false };
  const expirer = new Loop({
    name: 'expire-holds',
    intervalMs: 500,
    logger,
    runOnce: async () => {
      const { expired, more } = (await expiryLock.run(() => expireHolds({ pool, watch, onCommit }))) ?? idle;
      expiredHolds.inc(expired);
      return { more };
    },
  });
  const driver = new Loop({
    name: 'drive-sagas',
    intervalMs: 1_000,
    logger,
    runOnce: async () => (await sagaLock.run(() => driveSagas({ pool, logger, onCommit }))) ?? idle,
  });
  const canceller = new Loop({
    name: 'cancel-events',
    intervalMs: 200,
    logger,
    runOnce: () => driveCancellations({ pool, watch, onCommit, logger }),
  });
  const completionLock = new LoopLock({ redis, name: 'complete-bookings' });
  const completer = new Loop({
    name: 'complete-bookings',
    intervalMs: 5_000,
    logger,
    runOnce: async () => {
      const { completed, more } = (await completionLock.run(() => completeEndedBookings({ pool, watch }))) ?? noneEnded;
      completedBookings.inc(completed);
      return { more };
    },
  });
  expirer.start();
  driver.start();
  completer.start();
  canceller.start();

  let consumer: InboxConsumer | null = null;
  const stopped = new AbortController();
  const connected = connectBus({ url: config.natsUrl, name: 'booking', logger, signal: stopped.signal }).then(
    async (connectedBus) => {
      bus = connectedBus;
      if (stopped.signal.aborted) return;
      relay = new Relay({ pool, bus, logger, service: 'booking', onPublished: (count) => published.inc(count) });
      relay.start();
      watch.start();
      consumer = new InboxConsumer({
        name: 'booking-payment',
        service: 'booking',
        bus,
        pool,
        logger,
        handle: handlePaymentEvent({ watch, onCommit, logger }),
        onDeadLetter: onCommit,
      });
      await consumer.start();
    },
  );
  connected.catch((error: unknown) => {
    if (!stopped.signal.aborted) logger.error({ err: error }, 'the bus could not be set up');
  });

  return {
    port: server.port,
    stop: async () => {
      stopped.abort();
      await server.stop();
      await Promise.all([expirer.stop(), driver.stop(), completer.stop(), canceller.stop(), consumer?.stop()]);
      await relay?.stop();
      await bus?.close();
      redis?.disconnect();
      await pool.end();
    },
  };
}
