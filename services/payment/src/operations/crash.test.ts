import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import type { Checkout } from '../testing/booking-side.ts';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

/**
 * The process is killed at each cut point of a checkout (and, with `:n`, at its nth passing: 1 is the creation of the intent, 2 its
 * confirmation, 3 the capture), another one takes over, and the provider's own record shows that everything happened once.
 */
const DURING_AUTHORISATION = [
  'payment.operation_committed:1',
  'payment.before_call:1',
  'payment.before_call:2',
  'payment.after_call:1',
  'payment.after_call:2',
  'payment.result_committed:1',
  'payment.result_committed:2',
  'payment.webhook_before_store:1',
  'payment.webhook_before_store:2',
  'payment.webhook_stored:1',
  'payment.webhook_stored:2',
];
const DURING_CAPTURE = [
  'payment.operation_committed:2',
  'payment.before_call:3',
  'payment.after_call:3',
  'payment.result_committed:3',
];
/** By then any replica has taken over: business time moves on instead of the test waiting. */
const LEASES_OVER_MS = 15_000;

let world: PaymentWorld;
beforeAll(async () => {
  world = await openPaymentWorld();
}, 60_000);
// In an orderly way: a relay that is killed keeps its lease for a while, which would make the next test wait.
afterEach(() => world.stopPayments('SIGTERM'));
afterAll(() => world.stop(), 30_000);

/** Runs a checkout through the death of the process at a cut point and looks at what there is afterwards. */
async function survive(failpoint: string, during: 'authorisation' | 'capture'): Promise<void> {
  const doomed = await world.startPayment({ FAILPOINT: failpoint });
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  if (during === 'capture') {
    await checkout.answer('authorised');
    await checkout.capture();
  }
  expect((await doomed.exited).signal).toBe('SIGKILL');
  await world.database.advanceClock(LEASES_OVER_MS);
  await world.startPayment();
  if (during === 'authorisation') {
    await checkout.answer('authorised', 25_000);
    await checkout.capture();
  }
  await checkout.answer('captured', 25_000);

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
}

test.each(DURING_AUTHORISATION)(
  'killed at %s: one intent, one authorisation, one capture, each told once',
  (failpoint) => survive(failpoint, 'authorisation'),
);

test.each(DURING_CAPTURE)('killed at %s: one capture, told once', (failpoint) => survive(failpoint, 'capture'));

/** Lets the process of a captured or authorised payment die during `ask`, and another one finish. */
async function dieDuring(failpoint: string, captures: boolean, ask: (checkout: Checkout) => Promise<unknown>) {
  const doomed = await world.startPayment({ FAILPOINT: failpoint });
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  await checkout.answer('authorised');
  if (captures) {
    await checkout.capture();
    await checkout.answer('captured');
  }
  await ask(checkout);
  expect((await doomed.exited).signal).toBe('SIGKILL');
  await world.database.advanceClock(LEASES_OVER_MS);
  await world.startPayment();
  return checkout;
}

// Over the whole stack, a refund dies at every point in tests/crash/payment.test.ts.
test.each(['payment.before_call:4', 'payment.after_call:4', 'payment.result_committed:4'])(
  'killed at %s, with a refund under way: it goes back once, and posts once',
  async (failpoint) => {
    const checkout = await dieDuring(failpoint, true, (each) => each.refund(4_500));
    await checkout.answer('refunded', 25_000);
    expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised', 'captured', 'refunded']);
    expect(await postings(checkout)).toEqual(['authorisation 4500', 'capture 4500', 'fee 93', 'refund 4500']);
  },
);

test.each([
  'payment-checkout.before_commit:2',
  'payment.operation_committed:2',
  'payment.before_call:3',
  'payment.after_call:3',
  'payment.result_committed:3',
])('killed at %s, while an authorisation is given up: it is given up, and nothing is taken', async (failpoint) => {
  const checkout = await dieDuring(failpoint, false, (each) => each.void());
  await checkout.answer('voided', 25_000);
  expect(checkout.names()).toEqual(['authorised', 'voided']);
  expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised', 'cancelled']);
  expect(await postings(checkout)).toEqual(['authorisation 4500', 'void 4500']);
});

async function postings(checkout: Checkout): Promise<string[]> {
  const { rows } = await world.pool.query<{ entry: string }>(
    `select kind || ' ' || amount as entry from ledger_entries where payment_id = $1 order by kind`,
    [checkout.paymentId],
  );
  return rows.map(({ entry }) => entry);
}
