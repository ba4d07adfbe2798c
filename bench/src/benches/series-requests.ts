import { randomUUID } from 'node:crypto';
import type { Requests } from '../load/http-load.ts';

export type SeriesCall = 'preview' | 'create';

export interface SeriesRequestsParams {
  readonly host: string;
  readonly call: SeriesCall;
  /** `2027-01-04`, a Monday; every second Monday at 18:00 is taken from there on. */
  readonly monday: string;
  readonly resourceIds: readonly string[];
  readonly tokens: readonly string[];
}

const DAY_MS = 86_400_000;
const HOURS = Array.from({ length: 17 }, (_, index) => String(index + 6).padStart(2, '0'));

/**
 * Series of 52 weeks of one hour. A preview asks for the Mondays of which half are taken; a series that is made is the only one of
 * its day of the week and hour.
 */
export function createRequests({ host, call, monday, resourceIds, tokens }: SeriesRequestsParams): Requests {
  const run = randomUUID();
  const path = call === 'preview' ? '/v1/series/preview' : '/v1/series';
  let n = 0;
  const startsAt = (at: number) => {
    if (call === 'preview') return `${monday}T18:00`;
    const slot = Math.floor(at / resourceIds.length);
    const day = 1 + (Math.floor(slot / HOURS.length) % 6);
    if (slot >= 6 * HOURS.length) throw new Error('no free hour is left: more resources are needed');
    return `${new Date(Date.parse(monday) + day * DAY_MS).toISOString().slice(0, 10)}T${HOURS[slot % HOURS.length]}:00`;
  };
  return {
    before: [],
    next() {
      const body = JSON.stringify({
        resource_id: resourceIds[n % resourceIds.length],
        starts_at: startsAt(n),
        duration: 'PT1H',
        rrule: 'FREQ=WEEKLY;COUNT=52',
      });
      const token = tokens[n % tokens.length];
      n += 1;
      return [
        `POST ${path} HTTP/1.1`,
        `Host: ${host}`,
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        `Idempotency-Key: ${run}-${n}`,
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n');
    },
    isSuccess: (outcome) => outcome === (call === 'preview' ? '200' : '201'),
  };
}
