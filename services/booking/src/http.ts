import type { Express } from 'express';
import { attentionRoutes } from '@holdfast/shared/attention/attention-routes';
import { integrityAttention } from '@holdfast/shared/attention/integrity-attention';
import { messagingAttention } from '@holdfast/shared/attention/messaging-attention';
import { deadLetterReplayRoutes } from '@holdfast/shared/dead-letters/replay-routes';
import { deadLetterRoutes } from '@holdfast/shared/dead-letters/routes';
import { deliveryStateRoutes } from '@holdfast/shared/delivery-state/delivery-state-routes';
import { auditRoutes } from '@holdfast/shared/audit/routes';
import { createApp, jsonBody, observeRequests, problemHandler, requireJson } from '@holdfast/shared/http/app';
import { requestIdOf, requireAssertion } from '@holdfast/shared/http/caller';
import { mountHealth, type HealthCheck } from '@holdfast/shared/http/health';
import type { Auditor } from '@holdfast/shared/integrity/auditor';
import type { Bus } from '@holdfast/shared/bus/bus';
import { integrityRoutes } from '@holdfast/shared/integrity/integrity-routes';
import { Problem } from '@holdfast/shared/problems';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import type { Logger } from 'pino';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Redis } from '@holdfast/shared/redis/redis';
import { messagingTimeline } from '@holdfast/shared/timeline/messaging-timeline';
import { timelineRoutes } from '@holdfast/shared/timeline/timeline-routes';
import { availabilityRoutes } from './availability/routes.ts';
import { bookingTimeline } from './bookings/booking-timeline.ts';
import { bookingRoutes, type BookingRoutesDeps } from './bookings/routes.ts';
import { eventRoutes } from './catalogue/events/routes.ts';
import { hallImportRoutes } from './catalogue/halls/import-routes.ts';
import { hallRoutes } from './catalogue/halls/routes.ts';
import { resourceRoutes } from './catalogue/resources/routes.ts';
import { undoRoutes } from './catalogue/undo-routes.ts';
import { venueRoutes } from './catalogue/venues/routes.ts';
import { eventCancellationRoutes } from './event-cancellation/routes.ts';
import { eventRescheduleRoutes } from './event-reschedule/routes.ts';
import { holdRoutes, type HoldRoutesDeps } from './holds/routes.ts';
import { moneyRoutes } from './integrity/routes.ts';
import { sagaAttention } from './saga-operations/saga-attention.ts';
import { sagaRoutes } from './saga-operations/routes.ts';
import { seriesRoutes, type SeriesRoutesDeps } from './series/routes.ts';
import { searchRoutes } from './search/routes.ts';
import { ticketRoutes } from './tickets/routes.ts';
import { waitlistRoutes, type WaitlistRoutesDeps } from './waitlist/routes.ts';

export interface HttpDeps {
  readonly pool: Pool;
  readonly redis: Redis | null;
  readonly auditor: Auditor;
  /** Null until NATS has answered for the first time. */
  readonly bus: () => Bus | null;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly checks: readonly HealthCheck[];
  readonly internalSecret: Secrets;
  /** Whether events may be sold at quoted prices. */
  readonly quoting: boolean;
  readonly bookings: BookingRoutesDeps;
  readonly holds: HoldRoutesDeps;
  readonly series: SeriesRoutesDeps;
  readonly waitlist: WaitlistRoutesDeps;
}

/** Mounts everything. /internal/holds checks an assertion per command; all else has one for the request. */
export function buildHttp(deps: HttpDeps): Express {
  const app = createApp();
  mountHealth(app, { service: 'booking', checks: deps.checks, registry: deps.metrics.registry });
  app.use(observeRequests(deps.metrics, deps.logger, requestIdOf));
  app.use(holdRoutes(deps.holds));
  app.use('/internal', requireAssertion(deps.internalSecret), auditRoutes(deps.pool, 'booking'));
  app.use('/internal', undoRoutes(deps));
  app.use(
    '/internal',
    attentionRoutes(deps.pool, [
      sagaAttention,
      messagingAttention('booking', { consumes: true }),
      integrityAttention('booking'),
    ]),
  );
  app.use('/internal', integrityRoutes(deps.auditor), moneyRoutes(deps.pool));
  app.use('/internal', timelineRoutes('booking', deps.pool, [bookingTimeline, messagingTimeline]));
  app.use('/internal', deadLetterRoutes(deps.pool, 'booking'), deadLetterReplayRoutes(deps.pool, 'booking'));
  app.use('/internal', deliveryStateRoutes(deps.pool, deps.bus, 'booking'));
  const catalogue = { pool: deps.pool, logger: deps.logger };
  app.use('/v1', requireAssertion(deps.internalSecret), hallImportRoutes(catalogue), requireJson, jsonBody());
  app.use(
    '/v1',
    bookingRoutes(deps.bookings),
    ticketRoutes(deps.bookings),
    seriesRoutes(deps.series),
    eventCancellationRoutes(deps),
    eventRescheduleRoutes(deps),
    waitlistRoutes(deps.waitlist),
    sagaRoutes(deps.bookings),
    availabilityRoutes(deps),
    searchRoutes(catalogue),
  );
  app.use(
    '/v1',
    venueRoutes(catalogue),
    resourceRoutes(catalogue),
    hallRoutes(catalogue),
    eventRoutes({ ...catalogue, quoting: deps.quoting }),
  );
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(problemHandler(deps.logger, requestIdOf));
  return app;
}
