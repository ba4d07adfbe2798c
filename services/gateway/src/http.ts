import type { RequestListener } from 'node:http';
import { createApp, problemHandler, toProblem } from '@holdfast/shared/http/app';
import { mountHealth, type HealthCheck } from '@holdfast/shared/http/health';
import type { Bus } from '@holdfast/shared/bus/bus';
import type { Auditor } from '@holdfast/shared/integrity/auditor';
import { Problem } from '@holdfast/shared/problems';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { Express, NextFunction, Request, Response } from 'express';
import type { Pool } from 'undici';
import { mountAttention } from './attention/routes.ts';
import { mountDeadLetters } from './dead-letters/routes.ts';
import { mountAudit } from './audit/routes.ts';
import { mountDeliveryState } from './delivery-state/routes.ts';
import { assertionMaker } from './border/assertion.ts';
import { addressList } from './border/address-list.ts';
import { borderChecks, checkBorder } from './border/border-checks.ts';
import { clientAddressFinder } from './border/client-address.ts';
import { beginRequest, requestBeginner, requestIdOf } from './border/request-context.ts';
import { askServices } from './health/service-health.ts';
import type { HoldGatherer } from './holds/gather-holds.ts';
import { mountHolds } from './holds/routes.ts';
import { mountAccountPages } from './identity/account-pages.ts';
import { clientFinder } from './identity/client-of.ts';
import { findCustomer } from './identity/find-customer.ts';
import { mountIdentity, type IdentityDeps } from './identity/routes.ts';
import type { User } from './identity/user.ts';
import { mountIntegrity } from './integrity/routes.ts';
import type { GatewayMetrics } from './metrics.ts';
import { mountDocs } from './openapi/docs-routes.ts';
import { mountProblemPages } from './openapi/problem-pages.ts';
import { ROUTES } from './openapi/route-table.ts';
import { mountMethodNotAllowed } from './proxy/method-not-allowed.ts';
import { directListener } from './proxy/direct-listener.ts';
import { mountProxy, passingsOf, type ProxyDeps } from './proxy/routes.ts';
import { mountAttemptLimits } from './rate-limit/attempt-routes.ts';
import type { AttemptLimits } from './rate-limit/limit-attempts.ts';
import { RequestLimits, type RequestLimitsDeps } from './rate-limit/request-limits.ts';
import { mountTimeline } from './timeline/routes.ts';
import { limitSenders, mountGatewayLanes, senderLimits } from './rate-limit/sender-limits.ts';

export interface HttpDeps extends Omit<IdentityDeps, 'clientOf'> {
  readonly bus: () => Bus | null;
  readonly auditor: Auditor;
  readonly internalSecret: Secrets;
  readonly trustedProxies: readonly string[];
  readonly metricsAllowed: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly publicHosts: readonly string[];
  readonly upstreams: Readonly<Record<'booking' | 'payment' | 'notification', Pool>>;
  readonly links: ProxyDeps['links'];
  readonly gatherer: HoldGatherer;
  readonly apart: HoldGatherer;
  readonly limits: Omit<RequestLimitsDeps, 'addressOf'>;
  readonly attempts: AttemptLimits;
  readonly checks: readonly HealthCheck[];
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
}

export interface Http {
  readonly app: Express;
  /** What takes the requests: `app`, and what is passed by it. */
  readonly listener: RequestListener;
}

/** The gateway's whole HTTP surface. Order matters: the hot path comes first, what answers "not like that" last. */
export function createHttp(deps: HttpDeps): Http {
  const app = createApp();
  // One spelling of a path is one route: access is decided on the same text that is matched.
  app.enable('case sensitive routing');
  const { authenticator } = deps;
  const addressOf = clientAddressFinder(deps.trustedProxies);
  const assertCaller = assertionMaker(deps.internalSecret, addressOf);
  const limits = new RequestLimits({ ...deps.limits, addressOf });

  const begin = requestBeginner(deps.metrics, deps.logger);
  const admitSender = senderLimits(limits, ROUTES);
  const checks = borderChecks(deps.publicHosts, deps.corsOrigins);
  const passings = passingsOf(ROUTES, { authenticator, assertCaller, links: deps.links, limits });

  app.use(beginRequest(begin));
  app.use(limitSenders(admitSender));
  app.use(checkBorder(checks));
  const customerFor = (actor: User, customerId: unknown) => findCustomer(deps, actor, customerId);
  mountHolds(app, { authenticator, assertCaller, gatherer: deps.gatherer, apart: deps.apart, limits, customerFor });
  mountGatewayLanes(app, ROUTES, { limits, authenticator });
  mountAttemptLimits(app, { attempts: deps.attempts, limits, addressOf }, () =>
    mountIdentity(app, { ...deps, clientOf: clientFinder(addressOf) }),
  );
  mountAttention(app, { ...deps, assertCaller });
  mountIntegrity(app, { ...deps, assertCaller });
  mountTimeline(app, { ...deps, assertCaller });
  mountDeadLetters(app, { ...deps, assertCaller });
  mountAudit(app, { ...deps, assertCaller });
  mountDeliveryState(app, { ...deps, assertCaller });
  mountProxy(app, passings);
  const mayReadMetrics = addressList(deps.metricsAllowed);
  app.get('/metrics', (req: Request, _res: Response, next: NextFunction) => {
    if (!mayReadMetrics(addressOf(req))) throw new Problem('not_found');
    next();
  });
  mountHealth(app, {
    service: 'gateway',
    checks: deps.checks,
    registry: deps.metrics.registry,
    details: async () => ({ services: await askServices(deps.upstreams) }),
  });
  mountAccountPages(app);
  mountDocs(app);
  mountProblemPages(app);
  mountMethodNotAllowed(app, ROUTES);
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use((error: unknown, _req: Request, _res: Response, next: NextFunction) => {
    deps.metrics.refused.inc({ code: toProblem(error).code });
    next(error);
  });
  app.use(problemHandler(deps.logger, requestIdOf));
  const { logger, metrics } = deps;
  return { app, listener: directListener(app, ROUTES, passings, { begin, admitSender, checks, logger, metrics }) };
}
