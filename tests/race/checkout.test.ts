import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { until } from '@holdfast/shared/testing/until';
import { aCaller, createAssertedClient, type ApiClient } from '../support/api-client.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { holdAtOnce, statuses } from '../support/hold-directly.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

// Two booking processes, each with its expirer, its saga driver and its consumer of the payment service's answers.
let stack: Stack;
let admin: ApiClient;

beforeAll(async () => {
  stack = await startStack({ parts: ['provider', 'gateway', 'booking', 'booking2', 'payment'] });
  admin = createAssertedClient(stack.url('booking'), stack.internalSecret, aCaller({ role: 'admin' }));
}, 60_000);
afterEach(async () => {
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
afterAll(() => stack?.stop());

interface Held {
  readonly id: string;
  readonly caller: Caller;
}

/** Holds of all three kinds, each by a customer of its own. */
async function holdSome(count: number): Promise<Held[]> {
  const [seats, pool, net] = await Promise.all([
    makeSeatsEvent(admin, { seats: count }),
    makePoolEvent(admin, { capacity: count, numbered: true }),
    makeResource(admin),
  ]);
  const callers = Array.from({ length: count }, () => aCaller());
  const answers = await holdAtOnce(
    stack,
    callers.map((caller, i) => ({
      caller,
      body: [
        { event_id: seats, seats: [`A-${i + 1}`] },
        { event_id: pool, quantity: 1 },
        { resource_id: net, ...halfHours(1, Math.floor(i / 3)) },
      ][i % 3]!,
    })),
  );
  expect(statuses(answers)).toEqual({ 201: count });
  return answers.map(({ body }, i) => ({ id: String(body['id']), caller: callers[i]! }));
}

/** Pays at one booking process or the other. */
function pay(held: Held, index: number, method: string, key?: string) {
  const client = createAssertedClient(stack.url(index % 2 ? 'booking2' : 'booking'), stack.internalSecret, held.caller);
  return client.post<BookingJson & { code?: string }>(
    `/v1/bookings/${held.id}/pay`,
    { payment_method: method },
    key === undefined ? {} : { key },
  );
}

async function statesOf(held: readonly Held[]): Promise<Record<string, number>> {
  const rows = await query<{ status: string; n: number }>(
    stack,
    'select status, count(*)::int as n from booking.bookings where id = any ($1) group by status',
    [held.map(({ id }) => id)],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

describe('expiry against payment', () => {
  test('an authorisation that comes about when the hold runs out ends in a ticket, for the places are free again, or in a void, never in both', async () => {
    const held = await holdSome(36);
    // Spread from at once to never in time; the clock jumps when the first are through.
    const pays = held.map((one, i) => pay(one, i, `pm_sim_slow_${20 + i * 60}`));

    await until('the first confirmations', async () => ((await statesOf(held))['CONFIRMED'] ?? 0) >= 6);
    await stack.database.advanceClock(1_801_000);

    const answers = await Promise.all(pays);
    await untilQuiet(stack, 60_000);
    // FAILED: the places were taken again for an authorisation that the void under way then gave up at the provider.
    const { CONFIRMED = 0, EXPIRED = 0, FAILED = 0, ...others } = await statesOf(held);
    expect([CONFIRMED + EXPIRED + FAILED, others]).toEqual([36, {}]);
    expect(FAILED).toBeLessThanOrEqual(4);
    // What a customer was told is what became of it.
    for (const [i, answer] of answers.entries()) {
      const [row] = await query<{ status: string }>(stack, 'select status from booking.bookings where id = $1', [
        held[i]!.id,
      ]);
      if (answer.status === 200) expect(row).toEqual({ status: 'CONFIRMED' });
      else if (row?.status === 'FAILED') expect([202, 402, 409]).toContain(answer.status);
      else if (answer.status === 409) expect([answer.body.code, row?.status]).toEqual(['hold_expired', 'EXPIRED']);
      else expect(answer.status).toBe(202);
    }
  }, 90_000);

  test('a pay call that meets the expirer is either first or told that the hold has expired', async () => {
    const held = await holdSome(30);

    const jump = stack.database.advanceClock(600_500);
    const answers = await Promise.all(held.map((one, i) => pay(one, i, 'pm_card_visa')));
    await jump;

    await untilQuiet(stack, 60_000);
    await until('every hold to be over', async () => !('HELD' in (await statesOf(held))));
    for (const [i, answer] of answers.entries()) {
      const [row] = await query<{ status: string }>(stack, 'select status from booking.bookings where id = $1', [
        held[i]!.id,
      ]);
      if (answer.status === 409) expect([answer.body.code, row?.status]).toEqual(['hold_expired', 'EXPIRED']);
      else expect([answer.status <= 202, row?.status]).toEqual([true, 'CONFIRMED']);
    }
  }, 90_000);
});

describe('paying', () => {
  test('50 pays with one key are one attempt with one answer, to the letter', async () => {
    const [held] = await holdSome(1);

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => pay(held!, i, 'pm_card_visa', 'pay-this-once')),
    );

    expect(statuses(answers)).toEqual({ 200: 50 });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]!.body).toMatchObject({ id: held!.id, status: 'CONFIRMED', payment: { attempt: 1 } });
    expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).toHaveLength(49);
    await untilQuiet(stack);
    const kinds = (await readEffects(stack.url('provider'), held!.id)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'callback_sent')).toEqual(['intent_created', 'authorised', 'captured']);
  }, 30_000);

  test('50 pays with a key each are one attempt too', async () => {
    const [held] = await holdSome(1);

    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => pay(held!, i, 'pm_card_visa')));

    // One started it; the others saw it under way, or done.
    for (const { status, body } of answers) {
      if (status === 409) expect(body.code).toBe('already_paid');
      else expect([200, 202]).toContain(status);
    }
    await untilQuiet(stack);
    expect(await statesOf([held!])).toEqual({ CONFIRMED: 1 });
    const captures = (await readEffects(stack.url('provider'), held!.id)).filter(({ kind }) => kind === 'captured');
    expect(captures).toHaveLength(1);
  }, 30_000);

  test('cancel against pay: whoever cancelled has no ticket and all the money back', async () => {
    const held = await holdSome(24);

    const answers = await Promise.all(
      held.map(async (one, i) => {
        const paid = pay(one, i, `pm_sim_slow_${10 + i * 10}`);
        // A third at once, a third while the capture is under way, a third when the ticket is there.
        if (i % 3 > 0) await until('the payment to get so far', () => hasComeTo(one, i % 3 === 1));
        const client = createAssertedClient(
          stack.url(i % 2 ? 'booking' : 'booking2'),
          stack.internalSecret,
          one.caller,
        );
        const cancelled = await client.post(`/v1/bookings/${one.id}/cancel`, { reason: 'changed my mind about it' });
        return { paid: await paid, cancelled };
      }),
    );

    await untilQuiet(stack, 60_000);
    for (const { paid, cancelled } of answers) {
      expect([200, 202]).toContain(cancelled.status);
      // Confirmed and then given up, given up before, or given up before the attempt began; never a ticket that stands.
      expect([200, 202, 409]).toContain(paid.status);
    }
    const states = await statesOf(held);
    expect((states['CANCELLED'] ?? 0) + (states['REFUNDED'] ?? 0)).toBe(24);
    // brokenInvariants() holds each of them against the provider's account: void or full refund.
    expect(states['REFUNDED']).toBeGreaterThanOrEqual(8);
  }, 60_000);

  async function hasComeTo(held: Held, pinned: boolean): Promise<boolean> {
    const [row] = await query<{ pinned: boolean; status: string }>(
      stack,
      'select pinned_at is not null as pinned, status from booking.bookings where id = $1',
      [held.id],
    );
    return row !== undefined && (row.status === 'CONFIRMED' || (pinned && row.pinned));
  }
});
