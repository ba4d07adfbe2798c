import { Pool } from 'undici';

const CONNECT_LIMIT_MS = 2_000;

/** Kept-alive connections to one service. */
export function createUpstream(origin: string, connections: number): Pool {
  return new Pool(origin, {
    connections,
    // The services close idle connections after 65 s. Closing first avoids sending into a connection that is just going away.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 60_000,
    connect: { timeout: CONNECT_LIMIT_MS },
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  });
}

const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a failed call did not leave the gateway, so that the service cannot have carried it out. */
export function neverSent(error: unknown): boolean {
  return NEVER_SENT.has(codeOf(error));
}

/** Whether the connection broke off after the call was sent, or while it was. */
export function brokeOff(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
