import { randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';
import { contestedSeat, seatOf } from './seats.ts';

export interface HoldRequestsParams {
  readonly host: string;
  readonly eventIds: readonly string[];
  readonly tokens: readonly string[];
  /**
   * `distinct`: a seat of its own for each hold, around the events. `contested`: so many requests in a row want the same seat of the
   * first event. `pool`: one place of the first event each.
   */
  readonly wish: 'distinct' | 'pool' | { readonly contested: number };
}

/** POST /v1/bookings for one seat or place each: the users in turn, a new Idempotency-Key for every hold. */
export function createRequests(params: HoldRequestsParams): Requests {
  const { host, eventIds, tokens, wish } = params;
  const heads = tokens.map(
    (token) =>
      `POST /v1/bookings HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`,
  );
  // A key is new when its prefix is; drawing a whole UUID for each would cost the machine more than it tells.
  const run = randomUUID();
  let n = 0;
  const bodyOf = (at: number): string => {
    if (wish === 'pool') return `{"event_id":"${eventIds[0]}","quantity":1}`;
    const { event, seat } = wish === 'distinct' ? seatOf(at, eventIds.length) : contestedSeat(at, wish.contested);
    return `{"event_id":"${eventIds[event]}","seats":["${seat}"]}`;
  };
  return {
    // The gateway checks a token's signature once; users do not sign in for every hold.
    before: tokens.map(
      (token) =>
        `GET /v1/bookings?limit=1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\n\r\n`,
    ),
    next() {
      const body = bodyOf(n);
      const head = heads[n % heads.length]!;
      n += 1;
      return `${head}Idempotency-Key: ${run}-${n}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    },
    isSuccess: (outcome) => outcome === '201',
  };
}
