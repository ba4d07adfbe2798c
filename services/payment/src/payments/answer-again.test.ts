import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { beginAuthorisation } from './begin-authorisation.ts';
import { beginCapture } from './begin-capture.ts';
import { beginRefund } from './begin-refund.ts';
import type { Fact } from './payment.ts';
import { settleOutcome } from './settle-outcome.ts';
import { settleRefund } from './settle-refund.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  const logger = createLogger({ service: 'payment-test', level: 'silent' });
  pool = createPool({ connectionString: database.url('payment'), schema: 'payment', logger, applicationName: 'test' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

function aCheckout() {
  const ids = { booking_id: newId('bkg'), payment_id: newId('pay'), attempt: 1 };
  const money = { amount: 4500, currency: 'EUR' };
  const data = {
    ...ids,
    ...money,
    user_id: newId('usr'),
    reference: 'BK20270104-7K3Q9D',
    payment_method: 'pm_card_visa',
  };
  const cause = newId('msg');
  return {
    ids,
    askAuthorisation: () =>
      withTransaction(pool, (tx) => beginAuthorisation(tx, { data, provider: 'stripe', cause, traceparent: null })),
    askCapture: () => withTransaction(pool, (tx) => beginCapture(tx, { ...ids, ...money }, cause)),
    learn: (fact: Fact) =>
      withTransaction(pool, (tx) => settleOutcome(tx, { paymentId: ids.payment_id, attempt: 1, fact, cause })),
    told: async () => {
      const { rows } = await pool.query<{ name: string; seq: number }>(
        `select split_part(subject, '.', 4) as name, seq from outbox where ordering_key = $1 order by seq`,
        [ids.booking_id],
      );
      expect(rows.map((row) => row.seq)).toEqual(rows.map((_, index) => index + 1));
      return rows.map((row) => row.name);
    },
  };
}

const money = { amount: 4500n, currency: 'EUR' };

test('asked again before anything is known it stays silent and plans nothing twice', async () => {
  const checkout = aCheckout();
  await checkout.askAuthorisation();
  await checkout.askAuthorisation();
  expect(await checkout.told()).toEqual([]);
  const { rows } = await pool.query('select kind from operations where payment_id = $1', [checkout.ids.payment_id]);
  expect(rows.map((row: { kind: string }) => row.kind).sort()).toEqual(['confirm', 'create']);
});

test('asked again it tells what became of the attempt, the capture and the refund', async () => {
  const checkout = aCheckout();
  await checkout.askAuthorisation();
  await checkout.learn({ kind: 'authorised', ...money });
  await checkout.askAuthorisation();
  expect(await checkout.told()).toEqual(['authorised', 'authorised']);

  await checkout.askCapture();
  await checkout.learn({ kind: 'captured', ...money });
  await checkout.askCapture();
  expect((await checkout.told()).slice(2)).toEqual(['captured', 'captured']);

  const { booking_id, payment_id } = checkout.ids;
  const refund = {
    booking_id,
    payment_id,
    refund_id: newId('rfd'),
    amount: 4500,
    currency: 'EUR',
    reason: 'cancelled',
  };
  const askRefund = () => withTransaction(pool, (tx) => beginRefund(tx, refund, newId('msg')));
  await askRefund();
  await askRefund();
  await withTransaction(pool, (tx) =>
    settleRefund(tx, refund.refund_id, { kind: 'refunded', reference: 're_1', ...money }, newId('msg')),
  );
  await askRefund();
  expect((await checkout.told()).slice(4)).toEqual(['refunded', 'refunded']);
});

test('a decline is told again with its reason', async () => {
  const checkout = aCheckout();
  await checkout.askAuthorisation();
  await checkout.learn({ kind: 'declined', reason: 'generic_decline', charge: null });
  await checkout.askAuthorisation();
  const { rows } = await pool.query<{ reason: string }>(
    `select payload::json -> 'data' ->> 'reason' as reason from outbox where ordering_key = $1`,
    [checkout.ids.booking_id],
  );
  expect(rows.map((row) => row.reason)).toEqual(['generic_decline', 'generic_decline']);
});
