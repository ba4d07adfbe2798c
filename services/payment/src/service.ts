import { createReplayLoop } from '@holdfast/shared/dead-letters/replay-many';
import { createChainLoop } from '@holdfast/shared/audit/audit-chain';
import { auditInvariants } from '@holdfast/shared/audit/audit-invariants';
import type { CircuitStateName } from '@holdfast/shared/circuit';
import { connectBus, type Bus } from '@holdfast/shared/bus/bus';
import { createPool } from '@holdfast/shared/db/pool';
import { createDeliveryMetrics } from '@holdfast/shared/delivery-state/delivery-metrics';
import { listen, type RunningServer } from '@holdfast/shared/http/app';
import { Auditor } from '@holdfast/shared/integrity/auditor';
import { messagingInvariants } from '@holdfast/shared/integrity/messaging-invariants';
import { InboxConsumer } from '@holdfast/shared/inbox/consumer';
import { handleInTurn } from '@holdfast/shared/inbox/handle-in-turn';
import type { Stoppable } from '@holdfast/shared/lifecycle';
import { allSecrets } from '@holdfast/shared/secrets/secret-ring';
import { Relay } from '@holdfast/shared/outbox/relay';
import { createPruneLoop } from '@holdfast/shared/retention/prune-old-rows';
import { createLogger, type Logger } from '@holdfast/shared/telemetry/logger';
import { showPool } from '@holdfast/shared/telemetry/pool-metrics';
import type { Config } from './config.ts';
import { createHttp } from './http.ts';
import { PAYMENT_INVARIANTS } from './integrity/payment-invariants.ts';
import { createPaymentMetrics, showCircuit } from './metrics.ts';
import { showPaymentState } from './state-metrics.ts';
import { OperationDriver, REFUND_HANDS } from './operations/operation-driver.ts';
import { resumeOperations } from './operations/resume-operations.ts';
import { checkoutHandler } from './payments/consumer.ts';
import { WebhookApplier } from './provider-webhooks/apply-webhook.ts';
import { parseCidrs } from './provider-webhooks/source-allowlist.ts';
import { OpenPaymentLook } from './reconciliation/look-at-open-payments.ts';
import { FindingRefundDriver } from './reconciliation/finding-refund-driver.ts';
import { SweepLoop } from './reconciliation/sweep-loop.ts';
import { guardProvider } from './provider/circuit.ts';
import type { Provider } from './provider/provider.ts';
import { createStripeProvider } from './provider/stripe-provider.ts';

/** What tests replace. */
export interface Overrides {
  readonly provider?: Provider;
  readonly logger?: Logger;
  /** The process's clock, for the age of callbacks only; business time is the database's. */
  readonly nowMs?: () => number;
}

export interface PaymentService extends Stoppable {
  /** Starts the HTTP server and the loops at once, and what needs NATS as soon as it answers. */
  start(): Promise<{ port: number }>;
  /** Resolves when the bus is connected and events are consumed. */
  readonly consuming: Promise<void>;
  readonly driver: OperationDriver;
  readonly webhookApplier: WebhookApplier;
}

const HANDS = 16;
const LOOKS = 6;
const OPERATIONS_HINT = 'hint.payment.operations';

/** Builds the service in the order of its parts; nothing runs before `start`. */
export function buildService(config: Config, overrides: Overrides = {}): PaymentService {
  const logger = overrides.logger ?? createLogger({ service: 'payment', level: config.logLevel });
  const metrics = createPaymentMetrics();
  const pool = createPool({
    connectionString: config.databaseUrl,
    schema: 'payment',
    max: 20,
    logger,
    applicationName: 'holdfast-payment',
  });
  showPool(metrics.registry, pool);
  const circuit = guardProvider(
    overrides.provider ??
      createStripeProvider({
        apiKey: config.provider.apiKey,
        apiBase: config.provider.apiBase,
        timeoutMs: config.provider.timeoutMs,
        // The looks of the reconciliation make calls beside the driver.
        concurrency: HANDS + REFUND_HANDS + LOOKS,
      }),
    { breakMs: config.provider.breakMs, onChange: circuitChanged },
  );
  const { provider } = circuit;
  showCircuit(metrics, circuit.state());

  // Absent until NATS answers; the relay polls, so a nudge that finds nobody is not lost work.
  let bus: Bus | null = null;
  let relay: Relay | null = null;
  let consumer: InboxConsumer | null = null;
  let server: RunningServer | null = null;
  let stopped: Promise<void> | null = null;
  const connecting = new AbortController();
  const consuming = Promise.withResolvers<void>();

  const driver = new OperationDriver({
    pool,
    provider,
    logger,
    firstLookMs: config.firstLookMs,
    concurrency: HANDS,
    refundsPerSecond: config.refundsPerSecond,
    onSettled: () => relay?.nudge(),
    onCall: (kind, outcome, seconds) => metrics.calls.observe({ kind, outcome }, seconds),
    onSaturated: () => bus?.hint(OPERATIONS_HINT),
  });
  const webhookApplier = new WebhookApplier({
    pool,
    logger,
    onApplied: () => relay?.nudge(),
    onResult: (result) => metrics.applied.inc({ result }),
  });

  const openPaymentLook = new OpenPaymentLook({
    pool,
    provider,
    logger,
    onSettled: () => relay?.nudge(),
    onResult: (result) => metrics.looks.inc({ result }),
  });

  const reconciliation = { pool, provider, logger, onSettled: () => relay?.nudge() };
  const sweepLoop = new SweepLoop(reconciliation);
  const findingRefunds = new FindingRefundDriver({ pool, provider, logger, firstLookMs: config.firstLookMs });

  function circuitChanged(state: CircuitStateName): void {
    showCircuit(metrics, state);
    metrics.circuitChanges.inc({ state });
    logger[state === 'open' ? 'error' : 'info']({ state }, 'circuit around the provider');
    if (state !== 'closed') return;
    resumeOperations(pool).then(
      (count) => {
        logger.info({ count }, 'operations that waited for the provider go on');
        driver.nudge();
        bus?.hint(OPERATIONS_HINT);
      },
      // They go on by themselves at the end of their pauses.
      (error: unknown) => logger.warn({ err: error }, 'operations that waited for the provider were not hastened'),
    );
  }

  const chaining = createChainLoop({ pool, logger });
  const delivery = createDeliveryMetrics({ registry: metrics.registry, pool, bus: () => bus, service: 'payment' });
  showPaymentState(metrics.registry, pool);
  const replaying = createReplayLoop({ pool, logger });
  const auditor = new Auditor({
    service: 'payment',
    invariants: [...PAYMENT_INVARIANTS, ...messagingInvariants('payment'), ...auditInvariants('payment')],
    pool,
    logger,
    registry: metrics.registry,
  });
  const app = createHttp({
    auditor,
    bus: () => bus,
    logger,
    metrics,
    internalSecret: config.internalSecret,
    checks: [
      {
        name: 'postgres',
        critical: true,
        run: async () => {
          await pool.query('select 1');
          return 'answers';
        },
      },
      {
        name: 'nats',
        critical: true,
        run: async () => {
          if (!bus) throw new Error('not connected yet');
          return `round trip ${await bus.ping()} ms`;
        },
      },
      { name: 'provider', critical: false, run: () => reach(config.provider.apiBase) },
      {
        name: 'provider_circuit',
        critical: false,
        run: async () => {
          const state = circuit.state();
          if (state === 'open') throw new Error('open: half of the last calls failed, none is made for a moment');
          return state;
        },
      },
    ],
    payments: { pool, onPlanned: () => driver.nudge() },
    reconciliation: { pool, onRequested: () => sweepLoop.nudge(), onRefund: () => findingRefunds.nudge() },
    webhooks: {
      pool,
      logger,
      get secrets() {
        return allSecrets(config.webhooks.secrets);
      },
      allowed: parseCidrs(config.webhooks.allowedCidrs) ?? failConfig(),
      nowMs: overrides.nowMs ?? Date.now,
      onStored: () => webhookApplier.nudge(),
      onResult: (result) => metrics.webhooks.inc({ result }),
    },
  });

  const pruning = createPruneLoop({ pool, logger });

  async function connect(): Promise<void> {
    const connected = await connectBus({
      url: config.natsUrl,
      replicas: config.natsReplicas,
      name: 'holdfast-payment',
      logger,
      signal: connecting.signal,
    });
    if (stopped) return connected.close();
    bus = connected;
    bus.onHint(OPERATIONS_HINT, () => driver.nudge());
    relay = new Relay({
      pool,
      bus,
      logger,
      service: 'payment',
      onPublished: delivery.onPublished,
    });
    relay.start();
    const handle = checkoutHandler({
      provider: provider.name,
      afterCommit: () => {
        driver.nudge();
        relay?.nudge();
      },
    });
    consumer = new InboxConsumer({
      name: 'payment-checkout',
      service: 'payment',
      bus,
      pool,
      logger,
      handle,
      handleTogether: handleInTurn(handle),
      onDeadLetter: () => relay?.nudge(),
    });
    await consumer.start();
    logger.info('consuming');
    consuming.resolve();
  }

  /** Takes nothing new, finishes what is under way, publishes no more, and closes last what the others need. */
  async function shutDown(): Promise<void> {
    connecting.abort();
    await server?.stop();
    await consumer?.stop();
    await Promise.all([
      driver.stop(),
      webhookApplier.stop(),
      openPaymentLook.stop(),
      sweepLoop.stop(),
      findingRefunds.stop(),
      pruning.stop(),
      auditor.stop(),
      chaining.stop(),
      replaying.stop(),
    ]);
    await relay?.stop();
    await bus?.close();
    await pool.end();
  }

  return {
    consuming: consuming.promise,
    driver,
    webhookApplier,
    async start() {
      server = await listen(app, { host: config.host, port: config.port });
      logger.info({ port: server.port }, 'listening');
      driver.start();
      webhookApplier.start();
      openPaymentLook.start();
      sweepLoop.start();
      findingRefunds.start();
      pruning.start();
      auditor.start();
      chaining.start();
      replaying.start();
      connect().catch((error: unknown) => {
        if (!stopped) logger.fatal({ err: error }, 'could not begin to consume');
      });
      return { port: server.port };
    },
    stop: () => (stopped ??= shutDown()),
  };
}

/** Any answer will do: it shows that the provider is reachable, and nothing is asked of it. */
async function reach(apiBase: string): Promise<string> {
  const response = await fetch(apiBase, { method: 'HEAD', signal: AbortSignal.timeout(1_400) });
  return `answers with ${response.status}`;
}

function failConfig(): never {
  throw new Error('allowedCidrs were not checked by the configuration');
}
