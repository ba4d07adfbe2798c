import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import type { HeaderSink } from './answer-head.ts';

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
 * no page's. A page that the gateway served itself needs no permission. The function that is made says whether the request was a
 * question about this alone, which the headers have answered. It @throws Problem `origin_not_allowed`.
 */
export function allowOrigins(origins: readonly string[]) {
  const allowed = new Set(origins);
  return (req: IncomingMessage, head: HeaderSink): boolean => {
    const { origin } = req.headers;
    if (origin === undefined) return false;
    head.setHeader('Vary', 'Origin');
    const isPreflight = req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined;
    if (!allowed.has(origin)) {
      if (!isOwnPage(origin, req.headers.host) && (isPreflight || !SAFE.has(req.method!))) {
        throw new Problem('origin_not_allowed');
      }
      return false;
    }
    head.setHeader('Access-Control-Allow-Origin', origin);
    head.setHeader('Access-Control-Allow-Credentials', 'true');
    head.setHeader('Access-Control-Expose-Headers', ANSWER_HEADERS);
    if (!isPreflight) return false;
    head.setHeader('Access-Control-Allow-Methods', METHODS);
    head.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
    head.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
    return true;
  };
}

function isOwnPage(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
