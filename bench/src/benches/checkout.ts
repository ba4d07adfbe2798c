import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import type { CheckoutLoadJob } from '../load/checkout-load.ts';
import { runLoad } from '../load/child.ts';
import { untilPaymentsAreQuiet } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeEvents, makeHall } from './catalogue.ts';

const CLIENTS = 32;
const EVENTS = 8;
const USERS_PER_ROUND = 500;

/** Hold, pay and confirm through the public API, with the provider simulator at 5 ms a call. */
export const checkout: Bench = {
  name: 'checkout',
  summary: `checkouts (hold, pay, CONFIRMED) per second with ${CLIENTS} clients, and their latency at half of that`,
  series: [
    {
      name: 'checkout',
      label: 'checkout, as many as are done',
      unit: 'checkouts/s',
      reach: [{ of: 'A', atLeast: 0.1 }],
    },
    { name: 'checkout-half', label: 'checkout, half as many offered', unit: 'checkouts/s' },
  ],
  async prepare(context) {
    const { stack, admin, seconds } = context;
    const api = await signInAdmin(context.stack);
    const { venueId, hallId } = await makeHall(api);
    return {
      async round(index) {
        const users = await makeUsers(admin, USERS_PER_ROUND);
        const eventIds = await makeEvents(api, { venueId, hallId, count: EVENTS, round: index });
        const job: CheckoutLoadJob = {
          port: Number(new URL(stack.addresses.gateway).port),
          clients: CLIENTS,
          perSecond: null,
          rampSeconds: 2,
          seconds,
          eventIds,
          tokens: users.map(({ token }) => token),
          pids: Object.fromEntries(stack.pids()),
        };
        const load = new URL('../load/checkout-load.ts', import.meta.url);
        const full = await runLoad(load, job);
        await untilPaymentsAreQuiet(admin);
        const half = await runLoad(load, { ...job, perSecond: Math.max(1, full.perSecond / 2) });
        // What is still on its way would otherwise be counted against the next measurement.
        await untilPaymentsAreQuiet(admin);
        return new Map([
          ['checkout', full],
          ['checkout-half', half],
        ]);
      },
    };
  },
};
