import { randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';

export interface KeyedRequestsParams {
  readonly host: string;
  readonly path: string;
  /** Headers that say who calls, of each caller. */
  readonly callers: readonly Readonly<Record<string, string>>[];
}

/** Keyed POSTs of a small body, by the callers in turn. */
export function createRequests({ host, path, callers }: KeyedRequestsParams): Requests {
  const heads = callers.map((headers) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}Content-Type: application/json\r\n`;
  });
  const run = randomUUID();
  const body = '{"reason":"a change of plans, unfortunately"}';
  let n = 0;
  const next = () => {
    n += 1;
    return `${heads[n % heads.length]!}Idempotency-Key: ${run}-${n}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  // Each token's signature is checked once.
  return { before: callers.map(next), next, isSuccess: (outcome) => outcome === '200' };
}
