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

/** `webhook`: provider callbacks also carry their signature. */
export function headersForService(headers: IncomingHttpHeaders, webhook: boolean): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  const signature = headers['stripe-signature'];
  if (webhook && signature !== undefined) {
    passed['stripe-signature'] = Array.isArray(signature) ? signature.join(',') : signature;
  }
  return passed;
}

export function headersForClient(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of PASSED_BACK) {
    const value = headers[name];
    if (value !== undefined) passed[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return passed;
}
