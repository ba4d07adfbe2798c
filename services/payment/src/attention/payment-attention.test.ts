import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { paymentAttention } from './payment-attention.ts';

let bench: OperationsBench;
beforeAll(async () => {
  bench = await openOperationsBench();
}, 30_000);
afterAll(() => bench.close());

test('an outcome that is unknown for a minute, money that is not ours, and open findings need a person; all else does not', async () => {
  const [unknown, mismatch, fine] = [bench.payment(), bench.payment(), bench.payment()];
  for (const payment of [unknown, mismatch, fine]) await payment.authorise();
  await bench.pool.query(`update payments set status = 'UNKNOWN', updated_at = clock.app_now() where id = $1`, [
    unknown.paymentId,
  ]);
  await bench.pool.query(`update payments set mismatch = 'captured 1 EUR instead of 4500 EUR' where id = $1`, [
    mismatch.paymentId,
  ]);
  await bench.pool.query(
    `insert into reconciliation_findings (kind, provider, provider_reference, currency, state, detail)
     values ('paid_there_not_here', 'stripe', 'pi_1', 'EUR', 'OPEN', 'unknown here'),
            ('paid_there_not_here', 'stripe', 'pi_2', 'EUR', 'GONE', 'unknown here')`,
  );
  const kinds = async () => {
    const { items, counts } = await paymentAttention(bench.pool);
    return { items: items.map(({ kind, id }) => `${kind} ${id}`).sort(), counts };
  };
  const early = ['payment_mismatch ' + mismatch.paymentId, 'reconciliation_finding pi_1'];
  expect(await kinds()).toEqual({ items: early, counts: { payment_mismatch: 1, reconciliation_finding: 1 } });
  await bench.database.advanceClock(61_000);
  expect((await kinds()).items).toEqual([early[0], `payment_unknown ${unknown.paymentId}`, early[1]]);
});
