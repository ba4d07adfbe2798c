import { attentionRoutes } from '@holdfast/shared/attention/attention-routes';
import { integrityAttention } from '@holdfast/shared/attention/integrity-attention';
import { messagingAttention } from '@holdfast/shared/attention/messaging-attention';
import { deadLetterReplayRoutes } from '@holdfast/shared/dead-letters/replay-routes';
import { deadLetterRoutes } from '@holdfast/shared/dead-letters/routes';
import { deliveryStateRoutes } from '@holdfast/shared/delivery-state/delivery-state-routes';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { createApp, observeRequests, problemHandler } from '@holdfast/shared/http/app';
import { requestIdOf, requireAssertion } from '@holdfast/shared/http/caller';
import { mountHealth, type HealthCheck } from '@holdfast/shared/http/health';
import type { Auditor } from '@holdfast/shared/integrity/auditor';
import type { Bus } from '@holdfast/shared/bus/bus';
import { integrityRoutes } from '@holdfast/shared/integrity/integrity-routes';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { Problem } from '@holdfast/shared/problems';
import { messagingTimeline } from '@holdfast/shared/timeline/messaging-timeline';
import { timelineRoutes } from '@holdfast/shared/timeline/timeline-routes';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { paymentAttention } from './attention/payment-attention.ts';
import { moneyRoutes } from './integrity/routes.ts';
import { ledgerRoutes } from './ledger/routes.ts';
import type { PaymentMetrics } from './metrics.ts';
import { paymentTimeline } from './payments/payment-timeline.ts';
import { paymentRoutes, type PaymentRouteOptions } from './payments/routes.ts';
import { reconciliationRoutes, type ReconciliationRouteOptions } from './reconciliation/routes.ts';
import { webhookRoutes, type WebhookRouteOptions } from './provider-webhooks/routes.ts';

export interface HttpOptions {
  readonly auditor: Auditor;
  /** Null until NATS has answered for the first time. */
  readonly bus: () => Bus | null;
  readonly logger: Logger;
  readonly metrics: PaymentMetrics;
  readonly internalSecret: Secrets;
  readonly checks: readonly HealthCheck[];
  readonly payments: PaymentRouteOptions;
  readonly reconciliation: ReconciliationRouteOptions;
  readonly webhooks: WebhookRouteOptions;
}

/** The service's application: health for everybody on this port, everything else for the gateway alone. */
export function createHttp(options: HttpOptions): Express {
  const { logger, metrics } = options;
  const app = createApp();
  mountHealth(app, { service: 'payment', checks: options.checks, registry: metrics.registry });
  app.use(observeRequests(metrics, logger, requestIdOf));
  app.use(requireAssertion(options.internalSecret));
  app.use(paymentRoutes(options.payments));
  app.use(ledgerRoutes({ pool: options.payments.pool }));
  app.use(reconciliationRoutes(options.reconciliation));
  const sources = [paymentAttention, messagingAttention('payment', { consumes: true }), integrityAttention('payment')];
  app.use('/internal', attentionRoutes(options.payments.pool, sources), integrityRoutes(options.auditor));
  app.use('/internal', moneyRoutes(options.payments.pool));
  app.use('/internal', timelineRoutes('payment', options.payments.pool, [paymentTimeline, messagingTimeline]));
  app.use('/internal', auditRoutes(options.payments.pool, 'payment'));
  app.use(
    '/internal',
    deadLetterRoutes(options.payments.pool, 'payment'),
    deadLetterReplayRoutes(options.payments.pool, 'payment'),
  );
  app.use('/internal', deliveryStateRoutes(options.payments.pool, options.bus, 'payment'));
  app.use(webhookRoutes(options.webhooks));
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(problemHandler(logger, requestIdOf));
  return app;
}
