import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Of these a request has one. Node keeps the first of several; a proxy before us may have gone by the last. */
const SINGLE = new Set(['host', 'content-type', 'content-length', 'idempotency-key', 'if-match', 'stripe-signature']);

/**
 * What is refused whatever the route: methods that no route has, headers and query parameters that can be read in two ways.
 * @throws Problem `method_not_allowed` or `malformed_request`.
 */
export function refuseEarly(req: IncomingMessage): void {
  if (!METHODS.has(req.method!)) {
    throw new Problem('method_not_allowed', { headers: { Allow: [...METHODS].join(', ') } });
  }
  // Node would answer this itself, without a problem and a Request-Id.
  if (req.headers.host === undefined && req.httpVersion === '1.1') {
    throw new Problem('malformed_request', { detail: 'the header Host is missing' });
  }
  const twice = headerGivenTwice(req.rawHeaders);
  if (twice !== null) throw new Problem('malformed_request', { detail: `the header ${twice} is given twice` });
  const query = req.url!.indexOf('?');
  if (query >= 0) checkQuery(req.url!.slice(query + 1));
}

function headerGivenTwice(rawHeaders: readonly string[]): string | null {
  let seen = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.includes(`${name};`)) return name;
    seen += `${name};`;
  }
  return null;
}

/** `?id=1&id=2` and `?id[]=1` are one value to some readers and a list to others. @throws Problem `malformed_request`. */
function checkQuery(query: string): void {
  const names = new Set<string>();
  for (const name of new URLSearchParams(query).keys()) {
    if (names.has(name) || /[[\]]/.test(name)) {
      throw new Problem('malformed_request', {
        detail: 'each query parameter is given once, and no name has brackets',
        errors: [{ pointer: `?${name.slice(0, 100)}`, code: 'given_twice', message: 'give this parameter once' }],
      });
    }
    names.add(name);
  }
}
