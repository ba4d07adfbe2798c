import { newId } from '@holdfast/shared/ids';
import type { Bench } from '../bench.ts';
import type { FloorLoadJob } from '../floor/floor-load.ts';
import { CREATE_TABLES, EMPTY_TABLES } from '../floor/floor-sql.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { exactly } from './exactly.ts';
import type { SlotRequestsParams } from './slot-requests.ts';
import { firstDay, makeCourts, RESOURCES } from './slots.ts';

const CLIENTS = 64;
const CONNECTIONS = 16;
const USERS_PER_ROUND = 4_000;

/** Times of courts held per second, beside the yardstick of seven statements for the same. */
export const holdSlots: Bench = {
  name: 'hold-slots',
  summary: `time slots of ${RESOURCES} courts held per second through the gateway, ${CLIENTS} keep-alive clients, beside A for slots`,
  series: [
    { name: 'A-slots', label: 'A for slots: seven statements', unit: 'slots/s' },
    {
      name: 'hold-slots',
      label: 'hold of a slot, through the gateway',
      unit: 'holds/s',
      reach: [{ of: 'A-slots', atLeast: 1 }],
    },
  ],
  async prepare({ admin, stack, seconds }) {
    await admin.query(CREATE_TABLES);
    const api = await signInAdmin(stack);
    const pids = Object.fromEntries(stack.pids());
    return {
      async round(index) {
        await admin.query(EMPTY_TABLES);
        const floorJob: FloorLoadJob = {
          ...{ url: stack.adminUrl, yardstick: 'A-slots', connections: CONNECTIONS, rampSeconds: 1, seconds, pids },
          events: Array.from({ length: RESOURCES }, () => newId('res')),
          users: Array.from({ length: USERS_PER_ROUND }, () => newId('usr')),
          run: newId('req'),
        };
        const yardstick = await runLoad(new URL('../floor/floor-load.ts', import.meta.url), floorJob);
        await admin.query(EMPTY_TABLES);

        const resourceIds = await makeCourts(api, index);
        const { host, port } = new URL(stack.addresses.gateway);
        const tokens = (await makeUsers(admin, USERS_PER_ROUND)).map(({ token }) => token);
        const params: SlotRequestsParams = { host, resourceIds, tokens, firstDayMs: firstDay() };
        const job: HttpLoadJob = {
          ...{ port: Number(port), clients: CLIENTS, rampSeconds: 2, seconds, params, pids },
          requests: new URL('./slot-requests.ts', import.meta.url).href,
        };
        const sample = await runLoad(new URL('../load/http-load.ts', import.meta.url), job);
        // Every one of them is a slot of its own, so every other answer is a fault.
        exactly('answers', Object.keys(sample.outcomes), ['201']);
        await untilOutboxIsEmpty(admin);
        return new Map([
          ['A-slots', yardstick],
          ['hold-slots', sample],
        ]);
      },
    };
  },
};
