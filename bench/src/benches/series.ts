import { apiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import type { SeriesCall, SeriesRequestsParams } from './series-requests.ts';

/** One: it is the latency of a series that is measured. */
const CLIENTS = 1;
const RESOURCES = 40;
const USERS = 50;
const DAY_MS = 86_400_000;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const CALLS: Readonly<Record<SeriesCall, string>> = {
  preview: 'verdicts of a series of 52, half of them taken',
  create: 'a series of 52 accepted, with its first holds',
};

/** Series of 52 occurrences through the public API. */
export const series: Bench = {
  name: 'series',
  summary: 'latency of the verdicts of a series of 52 through the gateway, and of accepting one; 1 client',
  series: Object.entries(CALLS).map(([call, label]) => ({ name: `series-${call}`, label, unit: 'series/s' })),
  async prepare({ admin, stack, seconds }) {
    const { gateway } = stack.addresses;
    const { host, port } = new URL(gateway);
    const api = await signInAdmin(stack);
    return {
      async round() {
        const monday = aMonday();
        const users = await makeUsers(admin, USERS);
        const resourceIds = await makeResources(api);
        const regular = apiClient(gateway, users[0]!.token);
        for (const resource_id of resourceIds) {
          const rule = { starts_at: `${monday}T18:00`, duration: 'PT1H', rrule: 'FREQ=WEEKLY;INTERVAL=2;COUNT=26' };
          await regular.post('/v1/series', { resource_id, ...rule });
        }
        const samples = [];
        for (const call of Object.keys(CALLS) as SeriesCall[]) {
          const tokens = users.map(({ token }) => token);
          const params: SeriesRequestsParams = { host, call, monday, resourceIds, tokens };
          const job: HttpLoadJob = {
            ...{ port: Number(port), clients: CLIENTS, rampSeconds: 2, seconds, params },
            requests: new URL('./series-requests.ts', import.meta.url).href,
            pids: Object.fromEntries(stack.pids()),
          };
          const load = new URL('../load/http-load.ts', import.meta.url);
          samples.push([`series-${call}`, await runLoad(load, job)] as const);
          await untilOutboxIsEmpty(admin);
        }
        return new Map(samples);
      },
    };
  },
};

/** The date of the first Monday after tomorrow. */
function aMonday(): string {
  const soon = Math.floor(Date.now() / DAY_MS) + 2;
  // Day 4 of the epoch was a Monday.
  return new Date((soon + ((11 - (soon % 7)) % 7)) * DAY_MS).toISOString().slice(0, 10);
}

/** Resources with hours of their own each, so that no two share what is remembered of a calendar. */
async function makeResources(api: Awaited<ReturnType<typeof signInAdmin>>): Promise<string[]> {
  const venue = await api.post<{ id: string }>('/v1/venues', {
    ...{ name: 'Sports hall', time_zone: 'Europe/Paris', currency: 'EUR' },
  });
  const ids: string[] = [];
  for (let i = 0; i < RESOURCES; i++) {
    const closes = `23:${String(i).padStart(2, '0')}`;
    const court = await api.post<{ id: string }>('/v1/resources', {
      ...{ venue_id: venue.id, name: `Court ${i + 1}`, slot_minutes: 60 },
      opening_hours: DAYS.map((day) => ({ day, opens: '06:00', closes })),
      price_per_slot: { amount: 2_400, currency: 'EUR' },
    });
    ids.push(court.id);
  }
  return ids;
}
