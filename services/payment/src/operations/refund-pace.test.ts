import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import type { Answer, ProviderRefund } from '../provider/provider.ts';
import { drive, openOperationsBench, type BenchPayment, type OperationsBench } from '../testing/operations-bench.ts';
import { playProvider } from '../testing/played-provider.ts';
import { REFUND_HANDS } from './operation-driver.ts';

let bench: OperationsBench;
beforeEach(async () => {
  bench = await openOperationsBench();
}, 30_000);
// A database for each test: an operation that one leaves open would be taken up in the next.
afterEach(() => bench.close());

const settled: Answer<ProviderRefund> = {
  kind: 'ok',
  value: { reference: 're_1', status: 'succeeded', amount: 4_500n, currency: 'EUR', failureReason: null },
};

/** A provider that notes which refunds it was asked for, by their ids. */
function refundingProvider(answer: () => Promise<Answer<ProviderRefund>> = () => Promise.resolve(settled)) {
  const refunds: string[] = [];
  const provider = playProvider({
    refund: ({ refundId }) => {
      refunds.push(refundId);
      return answer();
    },
  });
  return { provider, refunds };
}

/** Payments whose whole amount is to go back, as a cancelled event asks for it. */
async function massRefund(count: number): Promise<BenchPayment[]> {
  const payments = Array.from({ length: count }, () => bench.payment());
  const driver = bench.driver(playProvider());
  for (const payment of payments) await payment.authorise();
  await drive(driver);
  for (const payment of payments) await payment.capture();
  await drive(driver);
  for (const payment of payments) await payment.refund(4_500);
  return payments;
}

test('all processes together send no more refunds than the rate, and a payment passes them by', async () => {
  await massRefund(12);
  const { provider, refunds } = refundingProvider();
  const drivers = [bench.driver(provider, 3), bench.driver(provider, 3)];
  const startedAt = performance.now();
  /** Tokens that the bucket can have given since the start, real and moved time together. */
  const allowed = (movedSeconds: number) => Math.ceil(3 + 3 * ((performance.now() - startedAt) / 1_000 + movedSeconds));

  await Promise.all(drivers.map(drive));
  expect(refunds.length).toBeGreaterThanOrEqual(3);
  expect(refunds.length).toBeLessThanOrEqual(allowed(0));

  const customer = bench.payment();
  await customer.authorise();
  await drive(drivers[0]!);
  expect(await customer.status()).toBe('AUTHORIZED');

  await bench.database.advanceClock(1_000);
  await Promise.all(drivers.map(drive));
  expect(refunds.length).toBeLessThanOrEqual(allowed(1));
  for (let second = 0; second < 5; second += 1) {
    await bench.database.advanceClock(1_000);
    await Promise.all(drivers.map(drive));
  }
  expect(refunds).toHaveLength(12);
  expect(new Set(refunds).size).toBe(12);
});

test('what a process that vanished had begun is taken up by another one, and each refund goes back once', async () => {
  const payments = await massRefund(10);
  const vanished = refundingProvider(() => new Promise(() => undefined));
  await bench.driver(vanished.provider).runOnce();
  expect(vanished.refunds).toHaveLength(REFUND_HANDS);
  const heir = refundingProvider();
  await drive(bench.driver(heir.provider));
  expect(heir.refunds).toHaveLength(10 - REFUND_HANDS);
  await bench.database.advanceClock(16_000);
  await drive(bench.driver(heir.provider));
  // The same ids again, and so the same keys: the provider makes one refund of the two requests.
  expect([...heir.refunds].sort()).toEqual([...new Set([...heir.refunds, ...vanished.refunds])].sort());
  for (const payment of payments) expect(await payment.status()).toBe('REFUNDED');
});

test('a provider that is slow with refunds keeps no customer waiting', async () => {
  await massRefund(10);
  const { provider } = refundingProvider(() => new Promise(() => undefined));
  const driver = bench.driver(provider);
  await driver.runOnce();
  const customer = bench.payment();
  await customer.authorise();
  await driver.runOnce();
  await until('the customer to be served', async () => (await customer.status()) === 'AUTHORIZED');
});
