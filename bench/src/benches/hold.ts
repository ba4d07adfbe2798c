import type { ApiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import type { HoldRequestsParams } from './hold-requests.ts';
import { eventsFor, HALL_ROWS, rowLabel, SEATS_PER_ROW } from './seats.ts';

const CLIENTS = 64;
/** New ones each round, so that a user ends up with about ten holds and not with the holds of all rounds. */
const USERS_PER_ROUND = 4_000;
const DAY_MS = 86_400_000;

/** Distinct seats held per second through the public API. */
export const hold: Bench = {
  name: 'hold',
  summary: `distinct seats held per second through the gateway, ${CLIENTS} keep-alive clients`,
  series: [
    {
      name: 'hold',
      label: 'hold, through the gateway',
      unit: 'holds/s',
      reach: [
        { of: 'A', atLeast: 1.5 },
        { of: 'B', atLeast: 1 },
      ],
    },
  ],
  async prepare(context) {
    const api = await signInAdmin(context.stack);
    const { venueId, hallId } = await makeHall(api);
    return {
      async round(index) {
        const users = await makeUsers(context.admin, USERS_PER_ROUND);
        const eventIds = await makeEvents(api, { venueId, hallId, count: eventsFor(context.seconds), round: index });
        const { host, port } = new URL(context.stack.addresses.gateway);
        const params: HoldRequestsParams = { host, eventIds, tokens: users.map(({ token }) => token) };
        const job: HttpLoadJob = {
          port: Number(port),
          clients: CLIENTS,
          rampSeconds: 2,
          seconds: context.seconds,
          requests: new URL('./hold-requests.ts', import.meta.url).href,
          params,
          pids: Object.fromEntries(context.stack.pids()),
        };
        const sample = await runLoad(new URL('../load/http-load.ts', import.meta.url), job);
        // What the relay still has to do would otherwise be counted against the next measurement.
        await untilOutboxIsEmpty(context.admin);
        return new Map([['hold', sample]]);
      },
    };
  },
};

async function makeHall(api: ApiClient): Promise<{ venueId: string; hallId: string }> {
  const venue = await api.post<{ id: string }>('/v1/venues', {
    name: 'Arena',
    time_zone: 'Europe/Paris',
    currency: 'EUR',
  });
  const rows = Array.from({ length: HALL_ROWS }, (_, row) => ({ row: rowLabel(row), seats: SEATS_PER_ROW }));
  const hall = await api.post<{ id: string }>('/v1/halls', { venue_id: venue.id, name: 'Great hall', rows });
  return { venueId: venue.id, hallId: hall.id };
}

async function makeEvents(
  api: ApiClient,
  wanted: { venueId: string; hallId: string; count: number; round: number },
): Promise<string[]> {
  const startsAt = Date.now() + 30 * DAY_MS;
  const ids: string[] = [];
  for (let i = 0; i < wanted.count; i++) {
    const event = await api.post<{ id: string }>('/v1/events', {
      ...{ venue_id: wanted.venueId, name: `Concert ${wanted.round}.${i}`, inventory: 'seats', hall_id: wanted.hallId },
      ...{ starts_at: new Date(startsAt).toISOString(), ends_at: new Date(startsAt + 3 * 3_600_000).toISOString() },
      prices: [{ category: 'standard', amount: 4_500 }],
    });
    ids.push(event.id);
  }
  return ids;
}
