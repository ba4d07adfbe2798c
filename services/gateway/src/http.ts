import { createApp, problemHandler } from '@holdfast/shared/http/app';
import { mountHealth, type HealthCheck } from '@holdfast/shared/http/health';
import { Problem } from '@holdfast/shared/problems';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import type { Express } from 'express';
import type { Pool } from 'undici';
import { assertionMaker } from './border/assertion.ts';
import { clientAddressFinder } from './border/client-address.ts';
import { beginRequest, requestIdOf } from './border/request-context.ts';
import { askServices } from './health/service-health.ts';
import type { HoldGatherer } from './holds/gather-holds.ts';
import { mountHolds } from './holds/routes.ts';
import { mountIdentity, type IdentityDeps } from './identity/routes.ts';
import { mountDocs } from './openapi/docs-routes.ts';
import { mountProblemPages } from './openapi/problem-pages.ts';
import { ROUTES } from './openapi/route-table.ts';
import { mountMethodNotAllowed } from './proxy/method-not-allowed.ts';
import { mountProxy } from './proxy/routes.ts';

export interface HttpDeps extends IdentityDeps {
  readonly internalSecret: string;
  readonly trustedProxies: readonly string[];
  readonly upstreams: Readonly<Record<'booking' | 'payment' | 'notification', Pool>>;
  readonly gatherer: HoldGatherer;
  readonly checks: readonly HealthCheck[];
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The gateway's whole HTTP surface. Order matters: the hot path comes first, what answers "not like that" last. */
export function createHttp(deps: HttpDeps): Express {
  const app = createApp();
  // One spelling of a path is one route: access is decided on the same text that is matched.
  app.enable('case sensitive routing');
  const { authenticator } = deps;
  const assertCaller = assertionMaker(deps.internalSecret, clientAddressFinder(deps.trustedProxies));

  app.use(beginRequest(deps.metrics, deps.logger));
  mountHolds(app, { authenticator, assertCaller, gatherer: deps.gatherer });
  mountIdentity(app, deps);
  mountProxy(app, ROUTES, { authenticator, assertCaller, upstreams: deps.upstreams });
  mountHealth(app, {
    service: 'gateway',
    checks: deps.checks,
    registry: deps.metrics.registry,
    details: async () => ({ services: await askServices(deps.upstreams) }),
  });
  mountDocs(app);
  mountProblemPages(app);
  mountMethodNotAllowed(app, ROUTES);
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(problemHandler(deps.logger, requestIdOf));
  return app;
}
