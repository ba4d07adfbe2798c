import type { Express } from 'express';
import type { Logger } from 'pino';
import type { Pool } from '@holdfast/shared/db/pool';
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
import { Problem } from '@holdfast/shared/problems';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import { messagingTimeline } from '@holdfast/shared/timeline/messaging-timeline';
import { timelineRoutes } from '@holdfast/shared/timeline/timeline-routes';
import { deliveryTimeline } from './deliveries/delivery-timeline.ts';
import { webhookRoutes, type WebhookRouteOptions } from './webhooks/routes.ts';
import { phoneRoutes, type PhoneRouteOptions } from './text-messages/routes.ts';
import { deliveryRoutes } from './deliveries/routes.ts';

export interface HttpOptions {
  readonly pool: Pool;
  readonly auditor: Auditor;
  /** Null until NATS has answered for the first time. */
  readonly bus: () => Bus | null;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly internalSecret: Secrets;
  readonly checks: readonly HealthCheck[];
  readonly webhooks: WebhookRouteOptions;
  readonly phones: PhoneRouteOptions;
}

/** Health and metrics in the open (the port is internal), everything else behind the gateway's assertion. */
export function buildHttp(options: HttpOptions): Express {
  const app = createApp();
  mountHealth(app, { service: 'notification', checks: options.checks, registry: options.metrics.registry });
  app.use(observeRequests(options.metrics, options.logger, requestIdOf));
  app.use(['/internal', '/v1'], requireAssertion(options.internalSecret));
  app.use(deliveryRoutes(options.pool));
  app.use(webhookRoutes(options.webhooks));
  app.use(phoneRoutes(options.phones));
  app.use(
    '/internal',
    attentionRoutes(options.pool, [
      messagingAttention('notification', { consumes: true }),
      integrityAttention('notification'),
    ]),
  );
  app.use('/internal', integrityRoutes(options.auditor));
  app.use('/internal', timelineRoutes('notification', options.pool, [deliveryTimeline, messagingTimeline]));
  app.use('/internal', auditRoutes(options.pool, 'notification'));
  app.use(
    '/internal',
    deadLetterRoutes(options.pool, 'notification'),
    deadLetterReplayRoutes(options.pool, 'notification'),
  );
  app.use('/internal', deliveryStateRoutes(options.pool, options.bus, 'notification'));
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(problemHandler(options.logger, requestIdOf));
  return app;
}
