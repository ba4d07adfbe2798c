import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId, type PaymentId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { beginAuthorisation } from '../payments/begin-authorisation.ts';
import { saveIntent } from '../payments/save-intent.ts';
import { WebhookApplier } from './apply-webhook.ts';
import { insertWebhook } from './webhook-store.ts';

let database: TestDatabase;
let pool: Pool;
const logger = createLogger({ service: 'payment-test', level: 'silent' });
const results: string[] = [];
let applier: WebhookApplier;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url('payment'),
    schema: 'payment',
    logger,
    applicationName: 'payment-test',
  });
  applier = new WebhookApplier({
    pool,
    logger,
    onApplied: () => undefined,
    onResult: (result) => results.push(result),
  });
}, 30_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Stores a callback and applies whatever is due; tells what became of it. */
async function store(type: string, object: object, id = `evt_${newId('msg')}`): Promise<void> {
  const body = Buffer.from(JSON.stringify({ id, object: 'event', type, data: { object } }));
  await withTransaction(pool, (tx) =>
    insertWebhook(tx, { provider: 'stripe', eventId: id, type, body, headers: {}, requestId: newId('req') }),
  );
}

async function drain(): Promise<string[]> {
  results.length = 0;
  while ((await applier.runOnce()) > 0);
  return [...results];
}

async function authorise(paymentId: PaymentId): Promise<void> {
  await withTransaction(pool, (tx) =>
    beginAuthorisation(tx, {
      data: {
        booking_id: newId('bkg'),
        payment_id: paymentId,
        attempt: 1,
        user_id: newId('usr'),
        reference: 'BK20270104-7K3Q9D',
        amount: 4_500,
        currency: 'EUR',
        payment_method: 'pm_card_visa',
      },
      provider: 'stripe',
      cause: newId('msg'),
      traceparent: null,
    }),
  );
}

const intent = (id: string, change: object = {}) => ({
  id,
  object: 'payment_intent',
  status: 'requires_capture',
  amount: 4_500,
  amount_capturable: 4_500,
  amount_received: 0,
  currency: 'eur',
  metadata: {},
  ...change,
});

async function announced(paymentId: PaymentId): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select split_part(subject, '.', 4) as name
       from outbox
      where ordering_key = (select booking_id from payments where id = $1)
      order by seq`,
    [paymentId],
  );
  return rows.map((row) => row.name);
}

describe('a callback for a payment that is not known yet', () => {
  test('waits, and takes effect when the payment is there', async () => {
    const paymentId = newId('pay');
    await store('payment_intent.amount_capturable_updated', intent('pi_early'));
    expect(await drain()).toEqual(['parked']);
    await database.advanceClock(600_000);
    expect(await drain()).toEqual(['parked']);

    await authorise(paymentId);
    await withTransaction(pool, (tx) => saveIntent(tx, paymentId, 'pi_early'));
    await database.advanceClock(600_000);
    expect(await drain()).toEqual(['changed']);
    expect(await announced(paymentId)).toEqual(['authorised']);
  });

  test('is found by our id in its metadata before the id of the intent is committed', async () => {
    const paymentId = newId('pay');
    await authorise(paymentId);
    await store(
      'payment_intent.processing',
      intent('pi_ahead', { status: 'processing', metadata: { payment_id: paymentId } }),
    );
    expect(await drain()).toEqual(['changed']);
    expect(await announced(paymentId)).toEqual(['processing']);
  });

  test('is let go once somebody has dealt with the money of that intent', async () => {
    await store('payment_intent.amount_capturable_updated', intent('pi_of_nobody'));
    expect(await drain()).toEqual(['parked']);
    await pool.query(
      `insert into reconciliation_findings (kind, provider, provider_reference, currency, state, detail, resolved_by, resolved_at, resolution)
       values ('paid_there_not_here', 'stripe', 'pi_of_nobody', 'EUR', 'RESOLVED', 'no payment', 'usr_1', clock.app_now(), 'paid back')`,
    );
    await database.advanceClock(600_000);
    expect(await drain()).toEqual(['dealt_with']);
    expect(await drain()).toEqual([]);
  });

  test('is not taken for a payment of ours that has another intent', async () => {
    const paymentId = newId('pay');
    await authorise(paymentId);
    await withTransaction(pool, (tx) => saveIntent(tx, paymentId, 'pi_ours'));
    await store(
      'payment_intent.amount_capturable_updated',
      intent('pi_foreign', { metadata: { payment_id: paymentId } }),
    );
    expect(await drain()).toEqual(['parked']);
    expect(await announced(paymentId)).toEqual([]);
  });
});

test('a callback that ends an attempt makes its call needless', async () => {
  const paymentId = newId('pay');
  await authorise(paymentId);
  await withTransaction(pool, (tx) => saveIntent(tx, paymentId, 'pi_first'));
  await store('payment_intent.amount_capturable_updated', intent('pi_first'));
  expect(await drain()).toEqual(['changed']);
  const { rows } = await pool.query('select distinct outcome from operations where payment_id = $1', [paymentId]);
  expect(rows).toEqual([{ outcome: 'settled_authorised' }]);
});

test('callbacks that concern no payment, or cannot be read, are set aside', async () => {
  await store('customer.created', { id: 'cus_1', object: 'customer' });
  await store('payment_intent.succeeded', { id: 'pi_1', object: 'payment_intent', status: 7 });
  expect((await drain()).sort()).toEqual(['irrelevant', 'unreadable']);
  expect(await drain()).toEqual([]);
});

test('two processes share the work and apply each callback once', async () => {
  const paymentId = newId('pay');
  await authorise(paymentId);
  await withTransaction(pool, (tx) => saveIntent(tx, paymentId, 'pi_shared'));
  for (let i = 0; i < 20; i += 1) await store('payment_intent.amount_capturable_updated', intent('pi_shared'));
  results.length = 0;
  const other = new WebhookApplier({
    pool,
    logger,
    onApplied: () => undefined,
    onResult: (result) => results.push(result),
  });
  await Promise.all(
    [applier, other].map(async (each) => {
      while ((await each.runOnce()) > 0);
    }),
  );
  expect(results.filter((result) => result === 'changed')).toHaveLength(1);
  // One that waits for its payment for ever may come by again.
  expect(results.filter((result) => result !== 'parked')).toHaveLength(20);
  expect(await announced(paymentId)).toEqual(['authorised']);
});
