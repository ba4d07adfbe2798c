import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { ContestJob, ContestResult } from '../load/contest-load.ts';
import { readDeadlocks } from '../stack/deadlocks.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeEvents, makeHall } from './catalogue.ts';
import { exactly } from './exactly.ts';
import type { HoldRequestsParams } from './hold-requests.ts';
import { CONTESTED_SEATS } from './seats.ts';

const CLIENTS = 64;
/** Each client wants each seat once. */
const TOTAL = CLIENTS * CONTESTED_SEATS;
const USERS = 1_000;

/** Every client wants the same seats, one after the other. Its length is its own: `--seconds` has no say in it. */
export const hotSeat: Bench = {
  name: 'hot-seat',
  summary: `${CLIENTS} clients who all want the same ${CONTESTED_SEATS} seats: one winner each, no deadlock`,
  series: [
    {
      name: 'hot-seat',
      label: `hot seats, ${CLIENTS} clients for each`,
      unit: 'holds/s',
      within: [{ percentile: 'p99Ms', atMost: 100 }],
    },
  ],
  async prepare({ admin, stack }) {
    const api = await signInAdmin(stack);
    const { venueId, hallId } = await makeHall(api);
    return {
      async round(index) {
        const users = await makeUsers(admin, USERS);
        const eventIds = await makeEvents(api, { venueId, hallId, count: 1, round: index });
        const { host, port } = new URL(stack.addresses.gateway);
        const tokens = users.map(({ token }) => token);
        const params: HoldRequestsParams = { host, eventIds, tokens, wish: { contested: CLIENTS } };
        const job: ContestJob = {
          ...{ port: Number(port), clients: CLIENTS, total: TOTAL, winners: CONTESTED_SEATS, params },
          requests: new URL('./hold-requests.ts', import.meta.url).href,
          pids: Object.fromEntries(stack.pids()),
        };
        const before = await readDeadlocks(admin);
        const { all } = await runLoad<ContestResult>(new URL('../load/contest-load.ts', import.meta.url), job);
        exactly('answers', all.outcomes, { 201: CONTESTED_SEATS, 409: TOTAL - CONTESTED_SEATS });
        const { rows } = await admin.query<{ seats: number; claims: number; bookings: number }>(
          `select count(distinct seat)::int as seats, count(*)::int as claims, count(distinct booking_id)::int as bookings
             from booking.seat_claims
            where event_id = $1`,
          [eventIds[0]],
        );
        const each = CONTESTED_SEATS;
        exactly('seats, claims and bookings', rows[0], { seats: each, claims: each, bookings: each });
        await untilOutboxIsEmpty(admin);
        exactly('deadlocks', (await readDeadlocks(admin)) - before, 0);
        return new Map([['hot-seat', all]]);
      },
    };
  },
};
