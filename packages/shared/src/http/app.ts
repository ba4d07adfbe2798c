import http from 'node:http';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import pg from 'pg';
import type { Logger } from 'pino';
import type { RequestId } from '../ids.ts';
import { Problem } from '../problems.ts';
import { prepareDrain } from './drain.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export const JSON_LIMIT_BYTES = 64 * 1024;

/** An Express application with the settings that all services share; nothing is mounted yet. */
export function createApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  // Our own ETags are versions of objects; hashing each body would cost time and mean something else.
  app.disable('etag');
  return app;
}

/** Parses JSON bodies: up to 64 KiB, never compressed, objects and arrays only. Errors become problems in `problemHandler`. */
export function jsonBody(limit = JSON_LIMIT_BYTES) {
  return express.json({ limit, inflate: false, strict: true, type: 'application/json' });
}

/** Refuses a body of another type with 415; express.json would silently skip it. */
export function requireJson(req: Request, _res: Response, next: NextFunction): void {
  const hasBody = req.headers['transfer-encoding'] !== undefined || (req.headers['content-length'] ?? '0') !== '0';
  if (hasBody && !req.is('application/json')) throw new Problem('unsupported_media_type');
  next();
}

/** Whether PostgreSQL is unreachable or not ready, as opposed to having refused a statement. */
export function isDependencyError(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? '';
    // 08: connection, 28: who we are, while a password is being changed, 53: resources, 57: operator intervention (57014 is our own statement timeout), 55P03 and 40: contention after all retries.
    return (
      code.startsWith('08') ||
      code.startsWith('28') ||
      code.startsWith('53') ||
      code.startsWith('57') ||
      code.startsWith('40') ||
      code === '55P03'
    );
  }
  // Not `instanceof Error`: jest gives test code an Error of its own, and Node's socket errors are of the other kind.
  if (typeof error !== 'object' || error === null) return false;
  const message = 'message' in error ? String(error.message) : '';
  const code = 'code' in error ? String(error.code) : '';
  return (
    [
      'ECONNREFUSED',
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'ENOTFOUND',
      'UND_ERR_SOCKET',
      'UND_ERR_CONNECT_TIMEOUT',
      'UND_ERR_HEADERS_TIMEOUT',
    ].includes(code) ||
    /timeout exceeded when trying to connect|Query read timeout|Connection terminated|the database system is/i.test(
      message,
    ) ||
    ('cause' in error && error.cause !== undefined && isDependencyError(error.cause))
  );
}

/** Any error as the problem that a client gets; unknown ones become `internal_error` without a word of their message. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isDependencyError(error)) return new Problem('dependency_unavailable');
  const type = typeof error === 'object' && error !== null && 'type' in error ? String(error.type) : '';
  switch (type) {
    case 'entity.parse.failed':
      return new Problem('malformed_json');
    case 'entity.too.large':
      return new Problem('payload_too_large');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new Problem('unsupported_media_type');
    case 'request.aborted':
    case 'request.size.invalid':
      return new Problem('malformed_request');
  }
  // Express answers a path that cannot be decoded with a URIError.
  if (error instanceof URIError) return new Problem('not_found');
  return new Problem('internal_error');
}

/** Sends a problem as application/problem+json. */
export function sendProblem(res: http.ServerResponse, problem: Problem, requestId: string): void {
  const body = JSON.stringify(problem.toBody(requestId));
  res.statusCode = problem.status;
  for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value);
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

/** Answers a request that failed, and logs what is ours to mend. False when the answer has begun: then nothing can be said any more. */
export function answerError(
  logger: Logger,
  req: http.IncomingMessage,
  res: http.ServerResponse,
  failed: Failed,
): boolean {
  const { error, requestId } = failed;
  const problem = toProblem(error);
  if (problem.code === 'internal_error')
    logger.error({ err: error, request_id: requestId, method: req.method }, 'request failed');
  else if (problem.status === 503) logger.warn({ err: error, request_id: requestId }, 'dependency unavailable');
  if (res.headersSent) return false;
  sendProblem(res, problem, requestId);
  return true;
}

export interface Failed {
  readonly error: unknown;
  readonly requestId: RequestId;
}

/** The last handler of an application. `requestIdOf` gives the id that errors and logs share. */
export function problemHandler(
  logger: Logger,
  requestIdOf: (req: Request, res: Response) => RequestId,
): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, req: Request, res: Response, next: NextFunction) => {
    if (!answerError(logger, req, res, { error, requestId: requestIdOf(req, res) })) next(error);
  };
}

/** Records the duration of each request under its route pattern and writes one log line for it. */
export function observeRequests(
  metrics: Metrics,
  logger: Logger,
  requestIdOf: (req: Request, res: Response) => RequestId,
) {
  return (req: Request, res: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    res.on('finish', () => {
      const seconds = (performance.now() - startedAt) / 1000;
      const route = (req.route as { path?: string } | undefined)?.path ?? 'unmatched';
      metrics.httpDuration.observe({ method: req.method, route, status: String(res.statusCode) }, seconds);
      logger.info(
        {
          request_id: requestIdOf(req, res),
          method: req.method,
          route,
          status: res.statusCode,
          ms: Math.round(seconds * 10_000) / 10,
        },
        'request',
      );
    });
    next();
  };
}

export interface RunningServer {
  readonly port: number;
  readonly server: http.Server;
  stop(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** What takes the requests, where that is not the application itself. */
  readonly listener?: http.RequestListener;
  /** For tests of what happens when a limit is reached. */
  readonly limits?: Partial<typeof TIME_LIMITS>;
}

/** How long a client may take, in ms: for its headers, for the whole request, without a byte in either direction. */
const TIME_LIMITS = { headersMs: 10_000, requestMs: 30_000, silenceMs: 70_000, checkEveryMs: 5_000 };

/**
 * Listens on loopback (or `host`) with timeouts against slow clients. Port 0 picks a free one.
 * @throws when the port is taken: Express would hand that error to the listen callback and look as if it were up.
 */
export async function listen(app: Express, options: ListenOptions): Promise<RunningServer> {
  const limits = { ...TIME_LIMITS, ...options.limits };
  const server = http.createServer(
    // A missing Host is refused by the gateway's own handler, with a problem; services do not look at it.
    { maxHeaderSize: 16 * 1024, connectionsCheckingInterval: limits.checkEveryMs, requireHostHeader: false },
    options.listener ?? app,
  );
  server.headersTimeout = limits.headersMs;
  server.requestTimeout = limits.requestMs;
  // A client that does not read its answer holds a connection for so long.
  server.timeout = limits.silenceMs;
  server.keepAliveTimeout = 65_000;
  const drainage = prepareDrain(server, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  let stopped: Promise<void> | null = null;
  return {
    port,
    server,
    stop: () => (stopped ??= drainage.drain()),
  };
}
