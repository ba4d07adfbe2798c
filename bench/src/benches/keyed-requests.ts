import { randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';

export interface KeyedRequestsParams {
  readonly host: string;
  readonly path: string;
  readonly tokens: readonly string[];
}

/** Keyed POSTs of a small body, by the users in turn. */
export function createRequests({ host, path, tokens }: KeyedRequestsParams): Requests {
  const heads = tokens.map(
    (token) =>
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`,
  );
  const run = randomUUID();
  const body = '{"reason":"a change of plans, unfortunately"}';
  let n = 0;
  const next = () => {
    n += 1;
    return `${heads[n % heads.length]!}Idempotency-Key: ${run}-${n}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  // Each token's signature is checked once.
  return { before: tokens.map(next), next, isSuccess: (outcome) => outcome === '200' };
}
