import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import { keysFor } from '@holdfast/shared/secrets/derived-keys';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import { csrfCookieOf } from './session-cookies.ts';
import type { SessionId } from './user.ts';

export const CSRF_HEADER = 'x-csrf-token';

export interface CsrfGuard {
  /** What a client of this session must say in the header. */
  tokenFor(sessionId: SessionId): string;
  /**
   * Lets a request pass that cookies speak for: it must come from this site and repeat the token in the header. With `sessionId` the
   * token must be that session's. @throws Problem `csrf_refused`.
   */
  check(req: IncomingMessage, sessionId?: SessionId): void;
  /** Refuses a request that a browser made for another site, and nothing else. @throws Problem `csrf_refused`. */
  checkSite(req: IncomingMessage): void;
}

/**
 * Guards what cookies authorise against other sites (a signed double submit): the token is the session's id under a key of ours, so one
 * that somebody planted in the browser is not good for the session it shall be used with. `allowedOrigins` are sites that may
 * call this one from a browser.
 */
export function createCsrfGuard(
  secrets: Secrets,
  options: { allowedOrigins?: readonly string[]; onRefused?: () => void } = {},
): CsrfGuard {
  const { allowedOrigins = [], onRefused } = options;
  const refused = (detail: string) => {
    onRefused?.();
    return new Problem('csrf_refused', { detail });
  };
  /** Programs that are no browsers send neither header and are not meant. */
  const checkSite = (req: IncomingMessage) => {
    const { origin } = req.headers;
    const site = req.headers['sec-fetch-site'];
    if (origin !== undefined && allowedOrigins.includes(origin)) return;
    if (origin !== undefined && hostOf(origin) !== req.headers.host) throw refused('the Origin is another site');
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw refused('the request comes from another site');
    }
  };
  const keys = keysFor(secrets, 'holdfast csrf token');
  const sign = (key: Buffer, sessionId: string) =>
    `${sessionId}.${createHmac('sha256', key).update(sessionId).digest('base64url')}`;
  return {
    checkSite,
    tokenFor: (sessionId) => sign(keys()[0]!, sessionId),
    check(req, sessionId) {
      checkSite(req);
      const header = req.headers[CSRF_HEADER];
      if (typeof header !== 'string' || header === '') throw refused('send the header X-CSRF-Token');
      if (header !== csrfCookieOf(req)) throw refused('X-CSRF-Token is not that of the cookie');
      const owner = sessionId ?? header.split('.')[0]!;
      if (!keys().some((key) => isSame(header, sign(key, owner)))) throw refused('X-CSRF-Token is not of this session');
    },
  };
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
