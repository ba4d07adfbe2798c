import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

/**
 * The process is killed at each cut point of a checkout (and, with `:n`, at its nth passing: 1 is the creation of the intent, 2 its
 * confirmation, 3 the capture), another one takes over, and the provider's own record shows that everything happened once.
 */
const CUT_POINTS = [
  'payment.operation_committed:1',
  'payment.operation_committed:2',
  'payment.before_call:1',
  'payment.before_call:2',
  'payment.before_call:3',
  'payment.after_call:1',
  'payment.after_call:2',
  'payment.after_call:3',
  'payment.result_committed:1',
  'payment.result_committed:2',
  'payment.result_committed:3',
  'payment.webhook_before_store:2',
  'payment.webhook_stored:2',
];
/** Longer than any lease: business time moves on instead of the test waiting. */
const LEASES_OVER_MS = 20_000;

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
}, 60_000);
afterAll(() => world.stop(), 30_000);

test.each(CUT_POINTS)('killed at %s: one intent, one authorisation, one capture, each told once', async (failpoint) => {
  const doomed = await world.startPayment({ FAILPOINT: failpoint });
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  const finished = checkout.answer('authorised', 25_000).then(async () => {
    await checkout.capture();
    await checkout.answer('captured', 25_000);
  });

  const { signal } = await doomed.exited;
  expect(signal).toBe('SIGKILL');
  await world.database.advanceClock(LEASES_OVER_MS);
  const heir = await world.startPayment();
  await finished;

  expect(checkout.names()).toEqual(['authorised', 'captured']);
  expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised', 'captured']);
  // Every callback of this payment arrives in the end, each stored once and applied.
  await until('three callbacks applied', async () => {
    const { rows } = await world.pool.query<{ type: string }>(
      `select type from provider_events where payment_id = $1 and state = 'APPLIED' order by type`,
      [checkout.paymentId],
    );
    return rows.length === 3;
  });
  const { rows } = await world.pool.query<{ open: number }>(
    `select count(*)::int as open from operations where payment_id = $1 and state in ('WAITING', 'DUE')`,
    [checkout.paymentId],
  );
  expect(rows).toEqual([{ open: 0 }]);
  await heir.kill('SIGTERM');
});

test('killed with a refund under way: it goes back once', async () => {
  const doomed = await world.startPayment({ FAILPOINT: 'payment.after_call:4' });
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  await checkout.answer('authorised');
  await checkout.capture();
  await checkout.answer('captured');
  await checkout.refund(4_500);
  await doomed.exited;
  await world.database.advanceClock(LEASES_OVER_MS);
  const heir = await world.startPayment();
  await checkout.answer('refunded');
  expect((await world.effects(checkout)).filter((kind) => kind === 'refunded')).toHaveLength(1);
  await heir.kill('SIGTERM');
});
