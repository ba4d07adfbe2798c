import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import type { HoldRequestsParams } from './hold-requests.ts';
import { makeEvents, makeHall } from './catalogue.ts';
import { eventsFor } from './seats.ts';

const CLIENTS = 64;
/** New ones each round, so that a user ends up with about ten holds and not with the holds of all rounds. */
const USERS_PER_ROUND = 4_000;

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
        const tokens = users.map(({ token }) => token);
        const params: HoldRequestsParams = { host, eventIds, tokens, wish: 'distinct' };
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
