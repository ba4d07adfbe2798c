import { randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';
import { slotOf } from './slots.ts';

export interface SlotRequestsParams {
  readonly host: string;
  readonly resourceIds: readonly string[];
  readonly tokens: readonly string[];
  readonly firstDayMs: number;
}

/** POST /v1/bookings for one slot each: the users in turn, a new Idempotency-Key for every hold. */
export function createRequests({ host, resourceIds, tokens, firstDayMs }: SlotRequestsParams): Requests {
  const heads = tokens.map(
    (token) =>
      `POST /v1/bookings HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`,
  );
  const run = randomUUID();
  let n = 0;
  return {
    // The gateway checks a token's signature once; users do not sign in for every hold.
    before: tokens.map(
      (token) =>
        `GET /v1/bookings?limit=1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\n\r\n`,
    ),
    next() {
      const { court, startsAt, endsAt } = slotOf(n, firstDayMs);
      const body = `{"resource_id":"${resourceIds[court]}","starts_at":"${startsAt}","ends_at":"${endsAt}"}`;
      const head = heads[n % heads.length]!;
      n += 1;
      return `${head}Idempotency-Key: ${run}-${n}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    },
    isSuccess: (outcome) => outcome === '201',
  };
}
