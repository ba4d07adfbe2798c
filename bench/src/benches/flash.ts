import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { ContestJob, ContestResult } from '../load/contest-load.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeHall, makePoolEvent } from './catalogue.ts';
import { exactly } from './exactly.ts';
import type { HoldRequestsParams } from './hold-requests.ts';

const CLIENTS = 64;
const PLACES = 50_000;
/** Requests that come too late. */
const LOSERS = 5_000;
const USERS = 4_000;

/** One event of counted places that everybody wants, until it is sold out. Its length is its own: `--seconds` has no say in it. */
export const flash: Bench = {
  name: 'flash',
  summary: `${CLIENTS} clients on one event of ${PLACES} places until it is sold out, and ${LOSERS} who come too late`,
  series: [
    {
      name: 'flash',
      label: 'flash sale, places of one event',
      unit: 'holds/s',
      reach: [{ of: 'hold', atLeast: 0.9 }],
    },
    {
      name: 'flash-lost',
      label: 'flash sale, refusals when sold out',
      unit: 'answers/s',
      within: [{ percentile: 'p99Ms', atMost: 100 }],
    },
  ],
  async prepare({ admin, stack }) {
    const api = await signInAdmin(stack);
    const { venueId } = await makeHall(api);
    return {
      async round(index) {
        const users = await makeUsers(admin, USERS);
        const eventId = await makePoolEvent(api, { venueId, name: `Flash sale ${index}`, capacity: PLACES });
        const { host, port } = new URL(stack.addresses.gateway);
        const tokens = users.map(({ token }) => token);
        const params: HoldRequestsParams = { host, eventIds: [eventId], tokens, wish: 'pool' };
        const job: ContestJob = {
          ...{ port: Number(port), clients: CLIENTS, total: PLACES + LOSERS, winners: PLACES, params },
          requests: new URL('./hold-requests.ts', import.meta.url).href,
          pids: Object.fromEntries(stack.pids()),
        };
        const { won, lost } = await runLoad<ContestResult>(new URL('../load/contest-load.ts', import.meta.url), job);
        exactly('answers of the flash sale', [won.outcomes, lost.outcomes], [{ 201: PLACES }, { 409: LOSERS }]);
        const { rows } = await admin.query<{ counted: number; claimed: number; bookings: number }>(
          `select e.claimed as counted,
                  (select coalesce(sum(quantity), 0)::int
                     from booking.pool_claims where event_id = e.id and released_at is null) as claimed,
                  (select count(*)::int from booking.bookings where event_id = e.id and status = 'HELD') as bookings
             from booking.events e
            where e.id = $1`,
          [eventId],
        );
        exactly('places sold', rows[0], { counted: PLACES, claimed: PLACES, bookings: PLACES });
        await untilOutboxIsEmpty(admin);
        return new Map([
          ['flash', won],
          ['flash-lost', lost],
        ]);
      },
    };
  },
};
