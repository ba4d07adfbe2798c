import type { IncomingMessage, ServerResponse } from 'node:http';
import { newId, type RequestId } from '@holdfast/shared/ids';
import type { Metrics } from '@holdfast/shared/telemetry/metrics';
import type { Logger } from '@holdfast/shared/telemetry/logger';
import type { NextFunction, Request, Response } from 'express';
import type { HeaderSink } from './answer-head.ts';

interface RequestContext {
  readonly requestId: RequestId;
  readonly startedAt: number;
}

const CONTEXT = Symbol('request context');

/** A property and not a WeakMap: an entry for each request is what the garbage collector would be busiest with. */
interface WithContext {
  [CONTEXT]?: RequestContext;
}

function contextOf(req: IncomingMessage & WithContext): RequestContext {
  return (req[CONTEXT] ??= { requestId: newId('req'), startedAt: performance.now() });
}

/** The id under which this request is answered, logged and passed on. Made here: an id that a client sends is not used. */
export function requestIdOf(req: IncomingMessage): RequestId {
  return contextOf(req).requestId;
}

/** Whoever needed long to send a body still gets an answer. */
const LEAST_MS = 1_000;

/** Until when a request is to be answered, by `performance.now()`: what a client waits is counted from when its request came. */
export function answerBy(req: IncomingMessage, limitMs: number): number {
  return Math.max(contextOf(req).startedAt + limitMs, performance.now() + LEAST_MS);
}

/** The route pattern of a request for logs and metrics; ids stay out of metric labels. */
function routeOf(req: IncomingMessage): string {
  return ((req as Request).route as { path?: string } | undefined)?.path ?? 'unmatched';
}

/**
 * Makes the function that comes before all others: it gives a request its id, the answer its standing headers, and writes one log
 * line at the end. `route`: its pattern, where it is known already.
 */
export function requestBeginner(metrics: Metrics, logger: Logger) {
  // The line has these fields alone, and none is secret: looking for secrets in each line would cost the hot path 4 % of its time.
  const requests = logger.child({}, { redact: [] });
  const durationOf = durations(metrics);
  return (req: IncomingMessage, res: ServerResponse, head: HeaderSink, route?: string): void => {
    const { requestId, startedAt } = contextOf(req);
    standingHeaders(req, head, requestId);
    // 'close' comes for finished and for broken answers alike.
    res.on('close', () => {
      const ms = performance.now() - startedAt;
      const path = route ?? routeOf(req);
      const status = res.writableFinished ? res.statusCode : 499;
      durationOf(req.method!, path, status).observe(ms / 1000);
      requests.info(
        { request_id: requestId, method: req.method, route: path, status, ms: Math.round(ms * 10) / 10 },
        'request',
      );
    });
  };
}

/** The same as a handler of Express. */
export function beginRequest(begin: ReturnType<typeof requestBeginner>) {
  return (req: Request, res: Response, next: NextFunction): void => {
    begin(req, res, res);
    next();
  };
}

/** Labels are checked and joined once for each kind of request. Bounded, as methods are what clients send. */
function durations(metrics: Metrics) {
  const known = new Map<string, { observe(seconds: number): void }>();
  return (method: string, route: string, status: number) => {
    const kind = `${status} ${method} ${route}`;
    let duration = known.get(kind);
    if (!duration) {
      if (known.size >= 2_000) known.clear();
      known.set(kind, (duration = metrics.httpDuration.labels({ method, route, status: String(status) })));
    }
    return duration;
  };
}

function standingHeaders(req: IncomingMessage, head: HeaderSink, requestId: RequestId): void {
  head.setHeader('Request-Id', requestId);
  // Answers are data: no browser should run, frame or guess at them. Pages of ours set a policy of their own.
  head.setHeader('X-Content-Type-Options', 'nosniff');
  head.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  head.setHeader('Referrer-Policy', 'no-referrer');
  // Browsers take it over HTTPS only.
  head.setHeader('Strict-Transport-Security', 'max-age=31536000');
  // Tokens are in these answers, and in refusals who tried what.
  if (req.url!.startsWith('/v1/auth')) head.setHeader('Cache-Control', 'no-store');
}
