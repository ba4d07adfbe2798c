import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { makeUsers } from '../load/access-tokens.ts';
import { runLoad } from '../load/child.ts';
import type { ContestJob, ContestResult } from '../load/contest-load.ts';
import type { HttpLoadJob } from '../load/http-load.ts';
import { toSample } from '../load/sample.ts';
import { untilOutboxIsEmpty } from '../stack/outbox.ts';
import { signInAdmin } from '../stack/sign-in-admin.ts';
import { makeEvents, makeHall } from './catalogue.ts';
import { exactly } from './exactly.ts';
import type { HoldRequestsParams } from './hold-requests.ts';
import { eventsFor, SEATS } from './seats.ts';

const CLIENTS = 64;
const LAPSING = 50_000;
const USERS = 1_000;
/** The load runs for at least so long: from before the moment until after the last hold is gone. */
const LEAST_SECONDS = 10;
const RAMP_SECONDS = 2;
/** From the start of the load to the moment at which the holds lapse: the generator begins, the ramp is over. */
const BEFORE_MS = 4_500;
/** Writing the moment into all the holds takes a part of this. */
const WRITING_MS = 20_000;
/** G7. */
const LATEST_MS = 5_000;
const POLL_MS = 100;

/** Many holds lapse at one moment while others are made. */
export const expire: Bench = {
  name: 'expire',
  summary: `${LAPSING} holds that lapse at one moment while holds are made: none later than ${LATEST_MS / 1_000} s`,
  series: [
    { name: 'expire-quiet', label: 'hold, none lapses', unit: 'holds/s' },
    {
      name: 'expire-hold',
      label: `hold, ${LAPSING} lapse`,
      unit: 'holds/s',
      within: [{ percentile: 'p99Ms', of: 'expire-quiet', atMost: 2 }],
    },
    { name: 'expire', label: 'holds lapsed, ms to the last of them', unit: 'lapsed/s' },
  ],
  async prepare({ admin, stack, seconds }) {
    const api = await signInAdmin(stack);
    const { venueId, hallId } = await makeHall(api);
    const { host, port } = new URL(stack.addresses.gateway);
    const requests = new URL('./hold-requests.ts', import.meta.url).href;
    const windowSeconds = Math.max(seconds, LEAST_SECONDS);
    return {
      async round(index) {
        const tokens = (await makeUsers(admin, USERS)).map(({ token }) => token);
        const pids = Object.fromEntries(stack.pids());
        const events = (count: number) => makeEvents(api, { venueId, hallId, count, round: index });
        const paramsOf = (eventIds: readonly string[]): HoldRequestsParams => {
          return { host, eventIds, tokens, wish: 'distinct' };
        };

        const lapsing = await events(LAPSING / SEATS);
        const contest: ContestJob = {
          ...{ port: Number(port), clients: CLIENTS, total: LAPSING, winners: LAPSING, requests, pids },
          params: paramsOf(lapsing),
        };
        const { all } = await runLoad<ContestResult>(new URL('../load/contest-load.ts', import.meta.url), contest);
        exactly('holds that are to lapse', all.outcomes, { 201: LAPSING });
        await untilOutboxIsEmpty(admin);

        const holdLoad = async () => {
          const job: HttpLoadJob = {
            ...{
              port: Number(port),
              clients: CLIENTS,
              rampSeconds: RAMP_SECONDS,
              seconds: windowSeconds,
              requests,
              pids,
            },
            params: paramsOf(await events(eventsFor(windowSeconds))),
          };
          return () => runLoad(new URL('../load/http-load.ts', import.meta.url), job);
        };
        const quiet = await (await holdLoad())();
        await untilOutboxIsEmpty(admin);

        const prepared = await holdLoad();
        const { at, waitMs } = await lapseTogether(admin, lapsing);
        await new Promise((resolve) => setTimeout(resolve, waitMs - BEFORE_MS));
        const [busy, lastMs] = await Promise.all([prepared(), untilLapsed(admin, lapsing, at)]);
        exactly('answers while holds lapse', Object.keys(busy.outcomes), ['201']);
        const { rows } = await admin.query<{ expired: number; claims: number }>(
          `select (select count(*)::int
                     from booking.bookings where event_id = any ($1::text[]) and status = 'EXPIRED') as expired,
                  (select count(*)::int
                     from booking.seat_claims where event_id = any ($1::text[]) and released_at is null) as claims`,
          [lapsing],
        );
        exactly('holds that lapsed', rows[0], { expired: LAPSING, claims: 0 });
        await untilOutboxIsEmpty(admin);
        const about = { seconds: lastMs / 1_000, outcomes: { 200: LAPSING }, cpuUs: {}, othersShare: null };
        const lapsed = {
          ...toSample([lastMs], about),
          count: LAPSING,
          perSecond: Math.round((LAPSING * 1_000) / lastMs),
        };
        return new Map([
          ['expire-quiet', quiet],
          ['expire-hold', busy],
          ['expire', lapsed],
        ]);
      },
    };
  },
};

/** Gives all holds of the events one expiry. @returns it, and how far off it still is. @throws when writing took too long. */
async function lapseTogether(admin: pg.Client, eventIds: readonly string[]): Promise<{ at: string; waitMs: number }> {
  const { rows } = await admin.query<{ at: string }>(
    `select (clock.app_now() + $1 * interval '1 millisecond')::text as at`,
    [WRITING_MS],
  );
  const at = rows[0]!.at;
  const changed = await admin.query(
    `update booking.bookings
        set hold_expires_at = $2
      where event_id = any ($1::text[]) and status = 'HELD'`,
    [eventIds, at],
  );
  exactly('holds that are to lapse', changed.rowCount, LAPSING);
  // The rows moved: autovacuum would come in the middle of what is measured.
  await admin.query('vacuum analyze booking.bookings');
  const left = await admin.query<{ ms: number }>(
    'select (extract(epoch from $1::timestamptz - clock.app_now()) * 1000)::float8 as ms',
    [at],
  );
  const waitMs = left.rows[0]!.ms;
  if (waitMs < BEFORE_MS)
    throw new Error(`writing the expiry took ${Math.round(WRITING_MS - waitMs)} ms, which is too long`);
  return { at, waitMs };
}

/** Milliseconds from `at` to when the last hold was seen gone. @throws when one is still held later than G7 allows. */
async function untilLapsed(admin: pg.Client, eventIds: readonly string[], at: string): Promise<number> {
  const held = `from booking.bookings
                where hold_expires_at = $1::timestamptz and status in ('HELD', 'PAYMENT_INITIATED') and pinned_at is null
                  and event_id = any ($2::text[])`;
  for (;;) {
    // Counting them each time would take the machine from those who are measured.
    const { rows } = await admin.query<{ late: number; some: boolean }>(
      `select (extract(epoch from clock.app_now() - $1::timestamptz) * 1000)::float8 as late, exists (select ${held}) as some`,
      [at, eventIds],
    );
    const { late, some } = rows[0]!;
    if (late > 0 && !some) return late;
    if (late > LATEST_MS) {
      const left = await admin.query<{ n: number }>(`select count(*)::int as n ${held}`, [at, eventIds]);
      throw new Error(`${left.rows[0]!.n} of ${LAPSING} holds are still held ${Math.round(late)} ms after they lapsed`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
