import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import Stripe from 'stripe';
import type { Checkout } from '../testing/booking-side.ts';
import { API_KEY, openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
/** Somebody who works at the provider without telling us: its dashboard, or a second program with our key. */
let stranger: Stripe;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
  const { hostname, port } = new URL(world.simulator.url);
  stranger = new Stripe(API_KEY, { host: hostname, port: Number(port), protocol: 'http', telemetry: false });
  // No callback arrives in this file.
  world.door.forwardTo(null);
}, 60_000);
afterAll(() => world.stop(), 30_000);

async function authorised(method = 'pm_card_visa'): Promise<Checkout> {
  const checkout = world.booking.checkout();
  await checkout.authorise(method);
  await checkout.answer('authorised');
  return checkout;
}

async function intentOf(checkout: Checkout): Promise<string> {
  const { rows } = await world.pool.query<{ provider_reference: string }>(
    'select provider_reference from payments where id = $1',
    [checkout.paymentId],
  );
  return rows[0]!.provider_reference;
}

describe('without a single callback', () => {
  test('every payment method comes to its end within two minutes', async () => {
    const methods = [
      'pm_card_visa',
      'pm_sim_webhook_never',
      'pm_sim_webhook_only_200',
      'pm_sim_timeout_applied',
      'pm_sim_500_applied',
      'pm_sim_late_success_1',
    ];
    const checkouts = methods.map(() => world.booking.checkout());
    await Promise.all(checkouts.map((checkout, index) => checkout.authorise(methods[index]!)));
    // The time that the provider needs for itself is over at once; then ours is moved by less than the two minutes.
    await until('every outcome at the provider', async () => {
      const effects = await Promise.all(checkouts.map((checkout) => world.effects(checkout)));
      return effects.every((kinds) => kinds.includes('authorised'));
    });
    await world.database.advanceClock(60_000);
    await Promise.all(checkouts.map((checkout) => checkout.answer('authorised')));
    await Promise.all(checkouts.map((checkout) => checkout.capture()));
    await Promise.all(checkouts.map((checkout) => checkout.answer('captured')));
    for (const checkout of checkouts)
      expect((await world.effects(checkout)).filter((kind) => kind === 'captured')).toHaveLength(1);
  });

  test('an authorisation that the provider gave up, or captured, is found within a minute', async () => {
    const [givenUp, taken] = [await authorised(), await authorised()];
    await stranger.paymentIntents.cancel(await intentOf(givenUp));
    await stranger.paymentIntents.capture(await intentOf(taken));
    await world.database.advanceClock(61_000);
    await givenUp.answer('voided');
    await taken.answer('captured');
    expect([givenUp.names(), taken.names()]).toEqual([
      ['authorised', 'voided'],
      ['authorised', 'captured'],
    ]);
  });
});

test("a sweep compares the provider's books with ours and lists what differs", async () => {
  const checkout = await authorised();
  await checkout.capture();
  await checkout.answer('captured');
  const reference = await intentOf(checkout);
  await stranger.refunds.create({ payment_intent: reference, amount: 700 });
  const unknown = await stranger.paymentIntents.create({
    amount: 900,
    currency: 'eur',
    payment_method: 'pm_card_visa',
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  });
  // What moved within the last minute is left alone.
  await world.database.advanceClock(61_000);

  const post = (body: object) => world.post(service, '/internal/reconciliation', { key: null, body });
  const hour = 3_600_000;
  const window = { from: new Date(Date.now() - hour).toISOString(), to: new Date(Date.now() + hour).toISOString() };
  const swept = await post(window);
  expect(await swept.json()).toMatchObject({ found: 2, repaired: 0, complete: true });
  const list = await (await world.get(service, '/internal/reconciliation?state=OPEN')).json();
  expect(list).toMatchObject({
    object: 'list',
    has_more: false,
    data: [
      { kind: 'paid_there_not_here', provider_reference: unknown.id, payment_id: null, amount_there: 900 },
      { kind: 'refund_missing', payment_id: checkout.paymentId, amount_here: 0, amount_there: 700 },
    ],
  });

  expect((await post({ from: window.to, to: window.from })).status).toBe(422);
  expect((await world.get(service, '/internal/reconciliation?state=open')).status).toBe(422);
  expect((await fetch(`${service.url}/internal/reconciliation`)).status).toBe(401);
});
