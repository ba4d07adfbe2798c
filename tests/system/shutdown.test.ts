import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { createApiClient } from '../support/api-client.ts';
import { postUntilAnswered } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { HoldClient, labelOf, pause } from '../support/hold-client.ts';
import { PASSWORD, signInAdmin } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, type Part, type Stack } from '../support/stack.ts';

/** How often each service is stopped under load; HOLDFAST_TEST_SHUTDOWNS=100 for a long look. */
const TIMES = Number(process.env['HOLDFAST_TEST_SHUTDOWNS'] ?? 3);
const CLIENTS = 12;
/** A token may have run out when it is so old, a little less than its life: a refusal before that is one. */
const TOKEN_MS = 590_000;

let stack: Stack;
let pool: string;
beforeAll(async () => {
  stack = await startStack({
    parts: ['gateway', 'booking'],
    env: { booking: { HOLDFAST_MAX_HOLDS_PER_USER: '1000000' } },
  });
  pool = await makePoolEvent((await signInAdmin(stack)).api, { capacity: 1_000_000 });
}, 60_000);
afterAll(() => stack?.stop());

async function signUpForToken(email: string): Promise<string> {
  const { body } = await createApiClient(stack.url('gateway')).post<{ access_token: string }>('/v1/auth/register', {
    ...{ email, password: PASSWORD, name: 'Ada Lovelace' },
  });
  return body.access_token;
}

async function signInForToken(email: string): Promise<string> {
  const client = createApiClient(stack.url('gateway'));
  const { body } = await postUntilAnswered<{ access_token: string }>(client, '/v1/auth/login', {
    email,
    password: PASSWORD,
  });
  return body.access_token;
}

/** Clients that hold one place after the other, each with a key of its own that is repeated until there is an answer. */
async function startLoad(name: string) {
  const emails = [1, 2, 3].map((n) => `${name}-${n}@holdfast.test`);
  const tokens = await Promise.all(emails.map(signUpForToken));
  const startedAt = Date.now();
  const clients = Array.from(
    { length: CLIENTS },
    (_, n) => new HoldClient({ url: stack.url('gateway'), token: tokens[n % tokens.length]!, eventId: pool }),
  );
  const answered = new Map<string, string>();
  const counts: Record<string, number> = {};
  const broken: string[] = [];
  let running = true;
  const work = clients.map(async (client, n) => {
    let signedInAt = startedAt;
    for (let i = 0; running; i += 1) {
      const key = `${name}-${n}-${i}`;
      for (;;) {
        const outcome = await client.hold(key);
        const label = labelOf(outcome);
        counts[label] = (counts[label] ?? 0) + 1;
        if (outcome.kind === 'broken') broken.push(`${key}: ${outcome.code}`);
        if (outcome.kind === 'answered' && outcome.status === 401 && Date.now() - signedInAt >= TOKEN_MS) {
          client.useToken(await signInForToken(emails[n % emails.length]!));
          signedInAt = Date.now();
          continue;
        }
        if (outcome.kind === 'answered' && outcome.status !== 503) {
          answered.set(key, outcome.status === 201 ? (JSON.parse(outcome.body) as { id: string }).id : outcome.body);
          break;
        }
        await pause();
      }
    }
  });
  return {
    answered,
    counts,
    broken,
    async stop() {
      running = false;
      await Promise.all(work);
      for (const client of clients) client.close();
    },
  };
}

describe.each<Part>(['gateway', 'booking'])('%s, stopped by SIGTERM under load and started again', (part) => {
  test(
    `${TIMES} times: breaks no request, and every key has one booking`,
    async () => {
      const load = await startLoad(`${part}-${Date.now()}`);
      for (let time = 0; time < TIMES; time += 1) {
        const before = load.answered.size;
        await until('the load is answered', () => load.answered.size > before + 3 * CLIENTS, 20_000);
        const old = stack.process(part);
        await old.kill('SIGTERM');
        expect(await old.exited).toEqual({ code: 0, signal: null });
        await stack.restart(part);
      }
      const before = load.answered.size;
      await until('the load is answered again', () => load.answered.size > before + 3 * CLIENTS, 20_000);
      await load.stop();

      expect(load.broken).toEqual([]);
      const { rows, keys } = await bookings(`${part}-`);
      // Each answer is that of a booking that is there, and no key made two.
      expect([...load.answered.values()].filter((id) => !rows.has(id))).toEqual([]);
      expect(keys).toBe(load.answered.size);
      process.stdout.write(`${part} stopped ${TIMES} times: ${JSON.stringify(load.counts)}\n`);
      await untilQuiet(stack);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000 + TIMES * 20_000,
  );
});

/** Every booking, and how many keys of `prefix` are on record. */
async function bookings(prefix: string): Promise<{ rows: Set<string>; keys: number }> {
  const rows = await query<{ id: string }>(stack, 'select id from booking.bookings');
  const [count] = await query<{ n: number }>(
    stack,
    `select count(*)::int as n from booking.idempotency_keys where key like '${prefix}%'`,
  );
  return { rows: new Set(rows.map(({ id }) => id)), keys: count!.n };
}
