import { Problem } from '@holdfast/shared/problems';
import type { NextFunction, Request, Response } from 'express';

const METHODS = 'GET, HEAD, POST, PATCH, DELETE';
const REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, Traceparent, X-CSRF-Token';
const ANSWER_HEADERS =
  'ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Request-Id, Retry-After, WWW-Authenticate';
const PREFLIGHT_SECONDS = '600';
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Lets web pages of the configured origins call the API, with cookies too; each is answered by its own name, never by `*`. Pages of
 * other origins, and those without one (`null`: sandboxed frames, files), read nothing and change nothing. A call without Origin is
 * no page's. A page that the gateway served itself needs no permission.
 */
export function allowOrigins(origins: readonly string[]) {
  const allowed = new Set(origins);
  return (req: Request, res: Response, next: NextFunction): void => {
    const { origin } = req.headers;
    if (origin === undefined) {
      next();
      return;
    }
    res.vary('Origin');
    const isAllowed = allowed.has(origin);
    const isOwn = !isAllowed && isOwnPage(origin, req.headers.host);
    if (!isAllowed && !isOwn) {
      const isPreflight = req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined;
      if (isPreflight || !SAFE.has(req.method)) throw new Problem('origin_not_allowed');
      next();
      return;
    }
    if (isAllowed) {
      res.setHeader('Access-Control-Allow-Origin', origin);
      res.setHeader('Access-Control-Allow-Credentials', 'true');
      res.setHeader('Access-Control-Expose-Headers', ANSWER_HEADERS);
      if (req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined) {
        res.setHeader('Access-Control-Allow-Methods', METHODS);
        res.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
        res.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
        res.status(204).end();
        return;
      }
    }
    next();
  };
}

function isOwnPage(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
