import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import pg from 'pg';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let services: ServiceProcess[];
beforeAll(async () => {
  world = await openPaymentWorld();
  // A machine that is busy with other tests must not make an unknown outcome of a late answer.
  const env = { HOLDFAST_PROVIDER_TIMEOUT_MS: '10000' };
  services = [await world.startPayment(env), await world.startPayment(env)];
}, 60_000);
afterAll(() => world.stop(), 30_000);

async function wholeCheckout(paymentMethod: string): Promise<{ names: string[]; effects: string[] }> {
  const checkout = world.booking.checkout();
  await checkout.authorise(paymentMethod);
  await checkout.answer('authorised', 25_000);
  await checkout.capture();
  await checkout.answer('captured', 25_000);
  return { names: checkout.names(), effects: await world.effects(checkout) };
}

describe('two processes', () => {
  test('carry out 30 checkouts at once, each outcome once, answers and callbacks racing', async () => {
    const methods = ['pm_card_visa', 'pm_sim_webhook_duplicate', 'pm_sim_slow_20'];
    const done = await Promise.all(Array.from({ length: 30 }, (_, index) => wholeCheckout(methods[index % 3]!)));
    for (const { names, effects } of done) {
      expect(names).toEqual(['authorised', 'captured']);
      expect(effects).toEqual(['intent_created', 'authorised', 'captured']);
    }
  });

  test('a slow provider holds up nobody else', async () => {
    const slow = world.booking.checkout();
    await slow.authorise('pm_sim_slow_900');
    const { names } = await wholeCheckout('pm_card_visa');
    expect(names).toEqual(['authorised', 'captured']);
    expect(slow.names()).toEqual([]);
    await slow.answer('authorised');
  });
});

describe('when NATS goes and comes back', () => {
  test('the service says so, keeps taking callbacks, and goes on by itself', async () => {
    const [first] = services as [ServiceProcess];
    await world.nats.kill();
    await until('not ready', async () => (await fetch(`${first.url}/readyz`)).status === 503);
    expect((await fetch(`${first.url}/livez`)).status).toBe(200);
    await world.nats.restart();
    expect((await wholeCheckout('pm_card_visa')).names).toEqual(['authorised', 'captured']);
    await until('ready again', async () => (await fetch(`${first.url}/readyz`)).status === 200);
  });
});

describe('when PostgreSQL goes and comes back', () => {
  test('requests get 503 within 3 s, no process ends, and the work goes on', async () => {
    const [first] = services as [ServiceProcess];
    const checkout = world.booking.checkout();
    const admin = new pg.Client({ connectionString: world.database.adminUrl });
    await admin.connect();
    try {
      await admin.query(`alter database ${world.database.name} connection limit 0`);
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'holdfast_payment' and datname = $1`,
        [world.database.name],
      );
      await checkout.authorise('pm_card_visa');
      await until('not ready', async () => (await fetch(`${first.url}/readyz`)).status === 503);
      const startedAt = performance.now();
      const response = await world.get(first, `/v1/payments/${checkout.paymentId}`, {
        userId: checkout.userId,
        role: 'customer',
      });
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({ code: 'dependency_unavailable', retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(3_000);
    } finally {
      await admin.query(`alter database ${world.database.name} connection limit -1`);
      await admin.end();
    }
    await checkout.answer('authorised');
    expect(services.every((service) => service.isRunning())).toBe(true);
  });
});
