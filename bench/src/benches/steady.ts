import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { residentMiB } from '../report/environment.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeEvents, makeHall } from './catalogue.ts';
import { exactly } from './exactly.ts';
import type { HoldRequestsParams } from './hold-requests.ts';
import { SEATS } from './seats.ts';

const PER_SECOND = 300;
const RAMP_SECONDS = 5;
/** More than are ever under way unless the system stands still; what then waits for a free client counts from its time all the same. */
const CLIENTS = 256;
const USERS = 4_000;

/** Holds at a rate that does not wait for the system, and their latency from the time at which each was to be sent. */
export const steady: Bench = {
  name: 'steady',
  summary: `latency of holds at ${PER_SECOND} offered a second; with --seconds 3500 a soak`,
  series: [
    {
      name: 'steady',
      label: `hold, ${PER_SECOND} a second offered`,
      unit: 'holds/s',
      within: [
        { percentile: 'p50Ms', atMost: 10 },
        { percentile: 'p95Ms', atMost: 25 },
        { percentile: 'p99Ms', atMost: 50 },
      ],
    },
  ],
  async prepare({ admin, stack, seconds, progress }) {
    const api = await signInAdmin(stack);
    const { venueId, hallId } = await makeHall(api);
    const count = Math.ceil(((seconds + RAMP_SECONDS) * PER_SECOND) / SEATS) + 1;
    const memory = (when: string) => {
      const sizes = Object.entries(residentMiB(stack.pids())).map(([name, size]) => `${name} ${size}`);
      progress.detail(`memory in MiB ${when}: ${sizes.join(', ')}`);
    };
    return {
      async round(index) {
        const users = await makeUsers(admin, USERS);
        const eventIds = await makeEvents(api, { venueId, hallId, count, round: index });
        const { host, port } = new URL(stack.addresses.gateway);
        const tokens = users.map(({ token }) => token);
        const params: HoldRequestsParams = { host, eventIds, tokens, wish: 'distinct' };
        const job: HttpLoadJob = {
          ...{
            port: Number(port),
            clients: CLIENTS,
            perSecond: PER_SECOND,
            rampSeconds: RAMP_SECONDS,
            seconds,
            params,
          },
          requests: new URL('./hold-requests.ts', import.meta.url).href,
          pids: Object.fromEntries(stack.pids()),
        };
        memory('before');
        const sample = await runLoad(new URL('../load/http-load.ts', import.meta.url), job);
        memory('after');
        // Every one of them is a seat of its own, so every other answer is a fault.
        exactly('answers', Object.keys(sample.outcomes), ['201']);
        await untilOutboxIsEmpty(admin);
        return new Map([['steady', sample]]);
      },
    };
  },
};
