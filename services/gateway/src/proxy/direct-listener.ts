import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { answerError, toProblem } from '@holdfast/shared/http/app';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import { AnswerHead } from '../border/answer-head.ts';
import type { BorderChecks } from '../border/border-checks.ts';
import { requestIdOf, type requestBeginner } from '../border/request-context.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { routeFinder } from '../openapi/find-route.ts';
import type { ApiRoute } from '../openapi/route.ts';
import type { AdmitSender } from '../rate-limit/sender-limits.ts';
import type { Passing } from './routes.ts';

export interface DirectListenerDeps {
  readonly begin: ReturnType<typeof requestBeginner>;
  readonly admitSender: AdmitSender;
  readonly checks: BorderChecks;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
}

/**
 * Takes what is passed on to a service past the application: the same steps in the same order, without the walk through its hundred
 * routes and what it does to each request. Whatever is not written as our own routes are goes to the application, which has every
 * route. `routes` is the whole table: what the gateway carries out itself comes first there as here.
 */
export function directListener(
  application: RequestListener,
  routes: readonly ApiRoute[],
  passings: ReadonlyMap<ApiRoute, Passing>,
  deps: DirectListenerDeps,
): RequestListener {
  const own = routes.filter((route) => !passings.has(route));
  const find = routeFinder([...own, ...passings.keys()]);

  return (req: IncomingMessage, res: ServerResponse): void => {
    const query = req.url!.indexOf('?');
    const path = query < 0 ? req.url! : req.url!.slice(0, query);
    const route = find(req.method!, path);
    const pass = route && passings.get(route);
    if (pass) void serve(req, res, { route, path, pass });
    else application(req, res);
  };

  async function serve(req: IncomingMessage, res: ServerResponse, { route, path, pass }: Found): Promise<void> {
    const head = new AnswerHead();
    try {
      deps.begin(req, res, head, route.path);
      const admitted = deps.admitSender(req, path);
      if (admitted) await admitted;
      // A question about origins alone comes as OPTIONS, which no route is called by.
      deps.checks(req, path, head);
      await pass(req, res, { path: req.url!, head, answerHeaders: head.list });
    } catch (error) {
      deps.metrics.refused.inc({ code: toProblem(error).code });
      if (!res.headersSent) head.moveTo(res);
      // What was begun and cannot be finished must not look whole.
      if (!answerError(deps.logger, req, res, { error, requestId: requestIdOf(req) })) req.socket.destroy();
    }
  }
}

interface Found {
  readonly route: ApiRoute;
  readonly path: string;
  readonly pass: Passing;
}
