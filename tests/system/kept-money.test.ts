import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { IntegrityJson } from '@holdfast/shared/contracts/integrity';
import { until } from '@holdfast/shared/testing/until';
import type { ApiClient } from '../support/api-client.ts';
import { bookPatiently, postUntilAnswered } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp } from '../support/customers.ts';
import { untilQuiet } from '../support/invariants.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

// G4 over both services, by the running system itself: what bookings may keep against what payments kept.
let stack: Stack;
let admin: ApiClient;
let stands: BookingJson;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  admin = (await signInAdmin(stack)).api;
  const { api } = await signUp(stack);
  const event_id = await makePoolEvent(admin, { capacity: 50 });
  stands = await bookPatiently(api, { event_id, quantity: 2 });
  const cancelled = await bookPatiently(api, { event_id, quantity: 1 });
  await postUntilAnswered(api, `/v1/bookings/${cancelled.id}/cancel`, { reason: 'plans have changed' });
  const partly = await bookPatiently(api, { event_id, quantity: 3 });
  const { body: payments } = await admin.get<{ data: { id: string }[] }>(`/v1/payments?booking_id=${partly.id}`);
  await postUntilAnswered(admin, `/v1/payments/${payments.data[0]!.id}/refunds`, {
    ...{ amount: 700, reason: 'a chair was broken' },
  });
  const held = await postUntilAnswered<BookingJson>(api, '/v1/bookings', { event_id, quantity: 1 });
  await postUntilAnswered(api, `/v1/bookings/${held.body.id}/pay`, { payment_method: 'pm_card_chargeDeclined' });
  await untilQuiet(stack, 60_000);
  // What changed within the last minute is left to the next check.
  await stack.database.advanceClock(61_000);
}, 120_000);
afterAll(() => stack?.stop());

/** What the check says when it has run anew. */
async function check() {
  const find = ({ data }: IntegrityJson) => data.find(({ name }) => name === 'kept_money_is_due')!;
  const before = find((await admin.get<IntegrityJson>('/v1/ops/integrity')).body).last_run_at;
  return until(
    'the check of the money',
    async () => {
      const { body, status, text } = await admin.post<IntegrityJson>('/v1/ops/integrity/run', {});
      if (status !== 200) throw new Error(text);
      return find(body).last_run_at === before ? null : find(body);
    },
    40_000,
  );
}

test('finds nothing while each booking kept what it may, and a booking whose money is not what it should be', async () => {
  expect(await check()).toMatchObject({ service: 'gateway', status: 'ok', violations: 0, error: null });

  // Somebody changes a row by hand; the clock has moved since, so that it is not taken for one that is moving.
  const set = (amount: number) =>
    query(stack, 'update payment.payments set captured_amount = captured_amount + $2 where booking_id = $1', [
      ...[stands.id, amount],
    ]);
  await set(-100);
  expect(await check()).toMatchObject({
    status: 'violated',
    violations: 1,
    examples: [{ booking_id: stands.id, keeps: stands.price.amount, kept: stands.price.amount - 100 }],
  });

  await set(100);
  expect(await check()).toMatchObject({ status: 'ok', violations: 0, examples: [] });
}, 150_000);

test('does not call it fine when payment cannot be asked', async () => {
  await stack.process('payment').kill();
  expect(await check()).toMatchObject({ status: 'failed', violations: 0 });
}, 90_000);
