import type { IncomingMessage, ServerResponse } from 'node:http';
import { newId, type RequestId } from '@holdfast/shared/ids';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { NextFunction, Request, Response } from 'express';

interface RequestContext {
  readonly requestId: RequestId;
  readonly startedAt: number;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

function contextOf(req: IncomingMessage): RequestContext {
  let context = contexts.get(req);
  if (!context) contexts.set(req, (context = { requestId: newId('req'), startedAt: performance.now() }));
  return context;
}

/** The id under which this request is answered, logged and passed on. Made here: an id that a client sends is not used. */
export function requestIdOf(req: IncomingMessage): RequestId {
  return contextOf(req).requestId;
}

/** The route pattern of a request for logs and metrics; ids stay out of metric labels. */
function routeOf(req: Request): string {
  return (req.route as { path?: string } | undefined)?.path ?? 'unmatched';
}

/** First of all handlers: gives the request its id, the answer its standing headers, and writes one log line at the end. */
export function beginRequest(metrics: Metrics, logger: Logger) {
  // The line has these fields alone, and none is secret: looking for secrets in each line would cost the hot path 4 % of its time.
  const requests = logger.child({}, { redact: [] });
  return (req: Request, res: Response, next: NextFunction): void => {
    const { requestId, startedAt } = contextOf(req);
    standingHeaders(req, res, requestId);
    // 'close' comes for finished and for broken answers alike.
    res.on('close', () => {
      const ms = performance.now() - startedAt;
      const route = routeOf(req);
      const status = res.writableFinished ? res.statusCode : 499;
      metrics.httpDuration.observe({ method: req.method, route, status: String(status) }, ms / 1000);
      requests.info(
        { request_id: requestId, method: req.method, route, status, ms: Math.round(ms * 10) / 10 },
        'request',
      );
    });
    next();
  };
}

function standingHeaders(req: IncomingMessage, res: ServerResponse, requestId: RequestId): void {
  res.setHeader('Request-Id', requestId);
  // Answers are data: no browser should run, frame or guess at them. Pages of ours set a policy of their own.
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  res.setHeader('Referrer-Policy', 'no-referrer');
  // Browsers take it over HTTPS only.
  res.setHeader('Strict-Transport-Security', 'max-age=31536000');
  // Tokens are in these answers, and in refusals who tried what.
  if (req.url!.startsWith('/v1/auth')) res.setHeader('Cache-Control', 'no-store');
}
