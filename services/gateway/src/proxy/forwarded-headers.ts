import type { IncomingHttpHeaders } from 'node:http';

/** What a client may tell a service. Everything else, above all anything that looks like our own assertion, stays outside. */
const PASSED_ON = ['content-type', 'idempotency-key', 'if-match', 'if-none-match', 'prefer'] as const;

/** What a service may tell a client. */
const PASSED_BACK = [
  'content-type',
  'content-length',
  'location',
  'etag',
  'retry-after',
  'idempotent-replayed',
  'cache-control',
  'www-authenticate',
  'allow',
  'link',
  'check-in',
] as const;

/** Names and values by turns. `webhook`: provider callbacks also carry their signature. */
export function headersForService(headers: IncomingHttpHeaders, webhook: boolean): string[] {
  const passed: string[] = [];
  for (const name of PASSED_ON) {
    const value = headers[name];
    if (typeof value === 'string') passed.push(name, value);
  }
  const signature = headers['stripe-signature'];
  if (webhook && signature !== undefined) {
    passed.push('stripe-signature', Array.isArray(signature) ? signature.join(',') : signature);
  }
  return passed;
}

/** Names and values by turns, at the end of `passed`. */
export function addHeadersForClient(passed: string[], headers: IncomingHttpHeaders): void {
  for (const name of PASSED_BACK) {
    const value = headers[name];
    if (value !== undefined) passed.push(name, Array.isArray(value) ? value.join(', ') : value);
  }
}
