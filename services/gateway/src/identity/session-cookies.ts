import type { IncomingMessage, ServerResponse } from 'node:http';
import { ACCESS_TOKEN_SECONDS } from './access-tokens.ts';
import type { SessionAnswer } from './open-session.ts';

/** Browsers take a cookie of such a name only over TLS (or from this machine), for the whole host, and not from a sub-domain. */
const ACCESS_COOKIE = '__Host-access';
const REFRESH_COOKIE = '__Host-refresh';
/** Readable by scripts of this site, which repeat it in the header. */
export const CSRF_COOKIE = '__Host-csrf';
const REFRESH_SECONDS = 30 * 86_400;

const STANDING = 'Path=/; Secure; SameSite=Strict';

/** Whether the client wants its session in cookies: `Prefer: session=cookie` (RFC 7240). */
export function prefersCookies(req: IncomingMessage): boolean {
  const header = req.headers['prefer'];
  return (Array.isArray(header) ? header : [header ?? '']).some((value) =>
    value.split(',').some((preference) => /^\s*session\s*=\s*"?cookie"?\s*(;|$)/i.test(preference)),
  );
}

/** The value of a cookie. Undefined also when two of one name came: which one is meant is not ours to guess. */
function cookieOf(req: IncomingMessage, name: string): string | undefined {
  const values = (req.headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
  });
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

export const accessCookieOf = (req: IncomingMessage) => cookieOf(req, ACCESS_COOKIE);
export const refreshCookieOf = (req: IncomingMessage) => cookieOf(req, REFRESH_COOKIE);
export const csrfCookieOf = (req: IncomingMessage) => cookieOf(req, CSRF_COOKIE);

/** Puts a session into cookies and gives what remains for the body. */
export function setSessionCookies(res: ServerResponse, answer: SessionAnswer, csrfToken: string) {
  const { refresh_token: refreshToken, ...rest } = answer;
  res.setHeader('Preference-Applied', 'session=cookie');
  res.setHeader('Set-Cookie', [
    `${ACCESS_COOKIE}=${answer.access_token}; ${STANDING}; HttpOnly; Max-Age=${ACCESS_TOKEN_SECONDS}`,
    `${REFRESH_COOKIE}=${refreshToken}; ${STANDING}; HttpOnly; Max-Age=${REFRESH_SECONDS}`,
    `${CSRF_COOKIE}=${csrfToken}; ${STANDING}; Max-Age=${REFRESH_SECONDS}`,
  ]);
  return { ...rest, csrf_token: csrfToken };
}

export function clearSessionCookies(res: ServerResponse): void {
  res.setHeader('Set-Cookie', [
    `${ACCESS_COOKIE}=; ${STANDING}; HttpOnly; Max-Age=0`,
    `${REFRESH_COOKIE}=; ${STANDING}; HttpOnly; Max-Age=0`,
    `${CSRF_COOKIE}=; ${STANDING}; Max-Age=0`,
  ]);
}
