import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';

/** `name` or `name:port`, in lower case as `new URL` writes it; IPv6 in brackets. No wildcard, no path. */
export function isHost(value: string): boolean {
  const url = URL.canParse(`http://${value}/`) ? new URL(`http://${value}/`) : null;
  // `new URL` drops the usual port, which is a port that one may name all the same.
  return url !== null && !value.includes('*') && (url.host === value || `${url.host}:80` === value);
}

/** Health and metrics are asked for by address, by those who watch the process, and say the same under any name. */
const WATCHED = new Set(['/livez', '/readyz', '/healthz', '/metrics']);
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/**
 * Refuses requests that were meant for another host: names that somebody pointed here, caches and pages that are led astray by them.
 * A name without a port in `hosts` is good for any port. No hosts at all: any name is good. The function that is made
 * @throws Problem `misdirected_request`.
 */
export function allowHosts(hosts: readonly string[]) {
  const allowed = new Set(hosts);
  const isAllowed = (authority: string): boolean => {
    const host = authority.toLowerCase();
    return allowed.has(host) || allowed.has(host.replace(/:\d+$/, ''));
  };

  return (req: IncomingMessage, path: string): void => {
    if (allowed.size === 0 || WATCHED.has(path)) return;
    // A target in absolute form outranks the header, and readers differ in which one they look at: both must be ours.
    const named = [req.headers.host ?? '', ABSOLUTE.exec(req.url!)?.[1] ?? req.headers.host ?? ''];
    if (!named.every(isAllowed)) throw new Problem('misdirected_request');
  };
}
