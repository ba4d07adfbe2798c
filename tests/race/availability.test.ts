import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectRedis, type Redis } from '@holdfast/shared/redis/redis';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { until } from '@holdfast/shared/testing/until';
import fc from 'fast-check';
import { aCaller, createAssertedClient, type ApiClient } from '../support/api-client.ts';
import { makeSeatsEvent } from '../support/catalogue.ts';
import { holdAtOnce } from '../support/hold-directly.ts';
import { brokenInvariants } from '../support/invariants.ts';
import { startStack, type Stack } from '../support/stack.ts';

// Two booking processes with memories of their own share one database and one Redis, which somebody tampers with.
const PROCESSES = ['booking', 'booking2'] as const;
type Process = (typeof PROCESSES)[number];
const SEATS = 4;

let stack: Stack;
let admin: ApiClient;
let redis: Redis;

beforeAll(async () => {
  stack = await startStack({ parts: ['booking', 'booking2'], redis: true });
  admin = createAssertedClient(stack.url('booking'), stack.internalSecret, aCaller({ role: 'admin' }));
  redis = connectRedis(stack.redis!.url, createLogger({ service: 'test', level: 'silent' }));
  await until('Redis is connected', () => Promise.resolve(redis.status === 'ready'));
}, 60_000);
afterAll(async () => {
  redis?.disconnect();
  await stack?.stop();
});

type Step =
  | { readonly do: 'hold'; readonly seat: number; readonly at: Process }
  | { readonly do: 'cancel'; readonly at: Process }
  | { readonly do: 'read'; readonly at: Process; readonly view: 'all' | 'taken'; readonly conditional: boolean }
  | { readonly do: 'flush' | 'put back' };

const at = fc.constantFrom(...PROCESSES);
const client: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('hold' as const), seat: fc.integer({ min: 1, max: SEATS }), at }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), at }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('read' as const),
        at,
        view: fc.constantFrom('all' as const, 'taken' as const),
        conditional: fc.boolean(),
      }),
    },
  ),
  { minLength: 6, maxLength: 14 },
);
const tamperer: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ do: fc.constantFrom('flush' as const, 'put back' as const) }),
  { minLength: 2, maxLength: 8 },
);

/** A time in which a seat surely was taken: from the answer of its hold to the sending of its cancellation. */
interface Taken {
  readonly seat: string;
  readonly from: number;
  to: number;
}
interface Reading {
  readonly from: number;
  readonly to: number;
  readonly version: number;
  readonly taken: ReadonlySet<string>;
}
interface Body {
  readonly version: number;
  readonly seats: readonly { readonly label: string; readonly status: string }[];
}

/** Carries out the steps of all clients side by side, and tells what was surely taken when, and what was read. */
async function perform(eventId: string, courses: readonly Step[][]): Promise<{ taken: Taken[]; readings: Reading[] }> {
  let now = 0;
  const tick = () => (now += 1);
  const taken: Taken[] = [];
  const readings: Reading[] = [];
  /** What Redis held at some time, to be put back later. */
  let past: { key: string; value: Buffer }[] = [];

  const course = async (steps: readonly Step[]) => {
    const caller = aCaller();
    const client = (process: Process) => createAssertedClient(stack.url(process), stack.internalSecret, caller);
    const mine: { id: string; taken: Taken }[] = [];
    const known = new Map<string, { etag: string; body: Body }>();
    for (const step of steps) {
      if (step.do === 'hold') {
        const seat = `A-${step.seat}`;
        const [answer] = await holdAtOnce(stack, [{ body: { event_id: eventId, seats: [seat] }, caller, at: step.at }]);
        if (answer!.status !== 201) continue;
        const held = { seat, from: tick(), to: Infinity };
        taken.push(held);
        mine.push({ id: answer!.body['id'] as string, taken: held });
      } else if (step.do === 'cancel') {
        const held = mine.pop();
        if (!held) continue;
        held.taken.to = tick();
        const reason = 'changed my mind about it';
        const answer = await client(step.at).post(`/v1/bookings/${held.id}/cancel`, { reason });
        expect(answer.status).toBe(200);
      } else if (step.do === 'read') {
        const before = step.conditional ? known.get(step.view) : undefined;
        const from = tick();
        const answer = await client(step.at).get<Body>(`/v1/events/${eventId}/availability?view=${step.view}`, {
          headers: before ? { 'if-none-match': before.etag } : {},
        });
        const body = answer.status === 304 ? before!.body : answer.body;
        if (answer.status !== 304) {
          expect(answer.status).toBe(200);
          known.set(step.view, { etag: answer.headers.get('etag')!, body });
        }
        const labels = body.seats.filter(({ status }) => status !== 'AVAILABLE').map(({ label }) => label);
        readings.push({ from, to: tick(), version: body.version, taken: new Set(labels) });
      } else {
        const keys = await redis.keys('holdfast:availability:*');
        const values = await Promise.all(keys.map((key) => redis.getBuffer(key)));
        const present = keys.flatMap((key, i) => (values[i] ? [{ key, value: values[i] }] : []));
        await redis.flushall();
        if (step.do === 'put back') for (const { key, value } of past) await redis.set(key, value, 'EX', 60);
        past = present;
      }
    }
  };
  await Promise.all(courses.map(course));
  return { taken, readings };
}

test('whatever two processes, a crowd and a Redis that forgets and lies do: what is taken is never shown free, and nothing is shown older than it was', async () => {
  const seen = { readings: 0, whileTaken: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(client, { minLength: 3, maxLength: 5 }), tamperer, async (clients, tampering) => {
      const eventId = await makeSeatsEvent(admin, { seats: SEATS });
      const { taken, readings } = await perform(eventId, [...clients, tampering]);
      for (const reading of readings) {
        seen.readings += 1;
        for (const { seat, from, to } of taken) {
          if (!(from < reading.from && reading.to < to)) continue;
          seen.whileTaken += 1;
          expect({ seat, shown: reading.taken.has(seat) ? 'taken' : 'free' }).toEqual({ seat, shown: 'taken' });
        }
        const later = readings.filter(({ from }) => from > reading.to).map(({ version }) => version);
        expect(Math.min(...later, reading.version)).toBe(reading.version);
      }
    }),
    { numRuns: 25 },
  );
  // A property that never met what it is about would hold of anything.
  expect(seen.readings).toBeGreaterThan(200);
  expect(seen.whileTaken).toBeGreaterThan(100);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 120_000);
