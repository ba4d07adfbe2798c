import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { OperationDriver } from '../operations/operation-driver.ts';
import type { Answer, Intent, Provider } from '../provider/provider.ts';
import { beginAuthorisation } from './begin-authorisation.ts';
import { beginVoid } from './begin-void.ts';

let database: TestDatabase;
let pool: Pool;
const logger = createLogger({ service: 'payment-test', level: 'silent' });
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({
    connectionString: database.url('payment'),
    schema: 'payment',
    logger,
    applicationName: 'payment-test',
  });
}, 30_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const intent = (status: Intent['status']): Answer<Intent> => ({
  kind: 'ok',
  value: {
    reference: `pi_${newId('msg')}`,
    status,
    currency: 'EUR',
    amount: 4_500n,
    amountCapturable: 4_500n,
    amountCaptured: 0n,
    redirectUrl: null,
    failure: null,
  },
});

/** A provider that records what it is asked and answers as told. */
function providerWith(answers: Partial<Provider> = {}): Provider & { readonly asked: string[] } {
  const asked: string[] = [];
  const record =
    <A extends unknown[], R>(name: string, answer: (...args: A) => R) =>
    (...args: A) => {
      asked.push(name);
      return answer(...args);
    };
  const unexpected = () => Promise.reject(new Error('not expected in this test'));
  return {
    name: 'stripe',
    asked,
    createIntent: record('create', answers.createIntent ?? (() => Promise.resolve(intent('open')))),
    confirmIntent: record('confirm', answers.confirmIntent ?? (() => Promise.resolve(intent('authorised')))),
    captureIntent: record('capture', answers.captureIntent ?? unexpected),
    cancelIntent: record('cancel', answers.cancelIntent ?? (() => Promise.resolve(intent('canceled')))),
    retrieveIntent: record('retrieve', answers.retrieveIntent ?? unexpected),
    refund: record('refund', answers.refund ?? unexpected),
    findRefund: record('findRefund', answers.findRefund ?? unexpected),
  };
}

function setup(provider: Provider) {
  const bookingId = newId('bkg');
  const paymentId = newId('pay');
  const driver = new OperationDriver({
    pool,
    provider,
    logger,
    firstLookMs: 5_000,
    onSettled: () => undefined,
    onCall: () => undefined,
    onSaturated: () => undefined,
  });
  return {
    authorise: () =>
      withTransaction(pool, (tx) =>
        beginAuthorisation(tx, {
          data: {
            booking_id: bookingId,
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
      ),
    giveUp: () =>
      withTransaction(pool, (tx) =>
        beginVoid(
          tx,
          { booking_id: bookingId, payment_id: paymentId, attempt: 1, reason: 'hold_expired' },
          newId('msg'),
        ),
      ),
    /** Makes every call that is due now and waits for them. */
    drive: async () => {
      while ((await driver.runOnce()) > 0) await driver.idle();
    },
    driver,
    announced: async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select split_part(subject, '.', 4) as name from outbox where ordering_key = $1 order by seq`,
        [bookingId],
      );
      return rows.map((row) => row.name);
    },
    status: async () => {
      const { rows } = await pool.query<{ status: string }>('select status from payments where id = $1', [paymentId]);
      return rows[0]!.status;
    },
  };
}

describe('giving an authorisation up', () => {
  test('before anything was sent asks the provider nothing', async () => {
    const provider = providerWith();
    const { authorise, giveUp, drive, announced, status } = setup(provider);
    await authorise();
    await giveUp();
    await drive();
    expect(provider.asked).toEqual([]);
    expect(await announced()).toEqual(['voided']);
    expect(await status()).toBe('VOIDED');
  });

  test('while the intent is being made cancels it without confirming it', async () => {
    const answered = Promise.withResolvers<Answer<Intent>>();
    const provider = providerWith({ createIntent: () => answered.promise });
    const { authorise, giveUp, drive, driver, announced } = setup(provider);
    await authorise();
    await driver.runOnce();
    await giveUp();
    answered.resolve(intent('open'));
    await driver.idle();
    await drive();
    expect(provider.asked).toEqual(['create', 'cancel']);
    expect(await announced()).toEqual(['voided']);
  });

  test('of an intent that was refused is done at once', async () => {
    const provider = providerWith({
      createIntent: () => Promise.resolve({ kind: 'refused', reason: 'amount_too_small' }),
    });
    const { authorise, giveUp, drive, announced } = setup(provider);
    await authorise();
    await drive();
    await giveUp();
    await drive();
    expect(provider.asked).toEqual(['create']);
    expect(await announced()).toEqual(['declined', 'voided']);
  });

  test('while an intent that will be refused is being made is done with the refusal', async () => {
    const answered = Promise.withResolvers<Answer<Intent>>();
    const provider = providerWith({ createIntent: () => answered.promise });
    const { authorise, giveUp, driver, announced, status } = setup(provider);
    await authorise();
    await driver.runOnce();
    await giveUp();
    answered.resolve({ kind: 'refused', reason: 'amount_too_small' });
    await driver.idle();
    expect(await announced()).toEqual(['voided']);
    expect(await status()).toBe('VOIDED');
  });

  test('of an outcome that nobody knows goes on until the provider has cancelled', async () => {
    let tries = 0;
    const provider = providerWith({
      confirmIntent: () => Promise.resolve({ kind: 'unknown', reason: 'no_answer' }),
      retrieveIntent: () => Promise.resolve(intent('authorised')),
      cancelIntent: () => {
        tries += 1;
        return Promise.resolve(tries < 3 ? { kind: 'unknown', reason: 'http_500' } : intent('canceled'));
      },
    });
    const { authorise, giveUp, drive, announced, status } = setup(provider);
    await authorise();
    await drive();
    await giveUp();
    for (let round = 0; round < 3; round += 1) {
      await drive();
      await database.advanceClock(30_000);
    }
    expect(tries).toBe(3);
    expect(await announced()).toEqual(['unknown', 'voided']);
    expect(await status()).toBe('VOIDED');
  });
});
