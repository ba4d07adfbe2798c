import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import type { CheckoutLoadJob } from '../load/checkout-load.ts';
import { runLoad } from '../load/child.ts';
import { cpuTimes, machineTime, perOperation } from '../load/cpu-time.ts';
import { median, type Sample } from '../load/sample.ts';
import { untilPaymentsAreQuiet } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeEvents, makeHall } from './catalogue.ts';

const CLIENTS = 32;
const USERS_PER_ROUND = 500;
const LIMIT_MS = 120_000;

/** A cancelled event: its bookings cancelled and paid back, each REFUNDED here because the provider, at 5 ms a call, said so. */
export const cancelEvent: Bench = {
  name: 'cancel-event',
  summary: 'bookings of a cancelled event per second, until each is REFUNDED',
  series: [
    { name: 'cancel-event', label: 'event cancelled, to REFUNDED', unit: 'bookings/s' },
    { name: 'cancel-only', label: 'event cancelled, to CANCELLED', unit: 'bookings/s' },
  ],
  async prepare(context) {
    const { stack, admin, seconds, progress } = context;
    const api = await signInAdmin(context.stack);
    const { venueId, hallId } = await makeHall(api);
    return {
      async round(index) {
        const users = await makeUsers(admin, USERS_PER_ROUND);
        const [eventId] = await makeEvents(api, { venueId, hallId, count: 1, round: index });
        progress.detail(`booking for ${seconds} s what is then cancelled`);
        const job: CheckoutLoadJob = {
          port: Number(new URL(stack.addresses.gateway).port),
          ...{ clients: CLIENTS, perSecond: null, rampSeconds: 0, seconds, eventIds: [eventId!] },
          tokens: users.map(({ token }) => token),
          pids: {},
        };
        await runLoad(new URL('../load/checkout-load.ts', import.meta.url), job);
        await untilPaymentsAreQuiet(admin);
        const pids = Object.fromEntries(stack.pids());
        const [cpuBefore, machineBefore, startedAt] = [cpuTimes(pids), machineTime(), performance.now()];
        await api.post(`/v1/events/${eventId}/cancel`, { reason: 'measured by the bench' });
        const cancelledAt = await untilNoneIs(admin, eventId!, ['CONFIRMED']);
        const refundedAt = await untilNoneIs(admin, eventId!, ['CONFIRMED', 'CANCELLED']);
        const took = { cpuBefore, cpuAfter: cpuTimes(pids), machineBefore, machineAfter: machineTime() };
        const count = await countOf(admin, eventId!);
        return new Map([
          ['cancel-event', toSample(count, refundedAt - startedAt, took)],
          ['cancel-only', toSample(count, cancelledAt - startedAt, took)],
        ]);
      },
    };
  },
};

async function untilNoneIs(admin: pg.Client, eventId: string, statuses: readonly string[]): Promise<number> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const { rows } = await admin.query<{ left: boolean }>(
      'select exists (select from booking.bookings where event_id = $1 and status = any ($2)) as left',
      [eventId, statuses],
    );
    if (!rows[0]!.left) return performance.now();
    if (performance.now() > deadline) throw new Error(`bookings are still ${statuses.join(' or ')} after two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function countOf(admin: pg.Client, eventId: string): Promise<number> {
  const { rows } = await admin.query<{ count: number }>(
    `select count(*)::int as count from booking.bookings where event_id = $1 and status = 'REFUNDED'`,
    [eventId],
  );
  return rows[0]!.count;
}

interface Took {
  readonly cpuBefore: Record<string, number>;
  readonly cpuAfter: Record<string, number>;
  readonly machineBefore: ReturnType<typeof machineTime>;
  readonly machineAfter: ReturnType<typeof machineTime>;
}

/** One job is one latency: it stands in all the columns. */
function toSample(count: number, ms: number, took: Took): Sample {
  const own = Object.entries(took.cpuAfter).reduce((sum, [name, us]) => sum + us - (took.cpuBefore[name] ?? 0), 0);
  const machine =
    took.machineBefore === null || took.machineAfter === null
      ? null
      : (took.machineAfter.busy - took.machineBefore.busy - own) /
        Math.max(1, took.machineAfter.total - took.machineBefore.total);
  const rounded = Math.round(median([ms]) * 100) / 100;
  return {
    ...{ seconds: ms / 1000, count, perSecond: Math.round((count / ms) * 100_000) / 100 },
    ...{ p50Ms: rounded, p95Ms: rounded, p99Ms: rounded, maxMs: rounded, outcomes: { '200': count } },
    cpuUs: perOperation(took.cpuBefore, took.cpuAfter, count),
    othersShare: machine === null ? null : Math.round(Math.max(0, machine) * 100) / 100,
  };
}
