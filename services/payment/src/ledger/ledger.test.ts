import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { PaymentId } from '@holdfast/shared/ids';
import pg from 'pg';
import { settleOutcome } from '../payments/settle-outcome.ts';
import type { Provider, ProviderRefund } from '../provider/provider.ts';
import { drive, openOperationsBench, type BenchPayment, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';
import { postMissing } from './post-entries.ts';
import { listEntries, readBalances, readTrialBalance } from './read-ledger.ts';

let bench: OperationsBench;
let admin: pg.Client;
beforeAll(async () => {
  bench = await openOperationsBench();
  admin = new pg.Client({ connectionString: bench.database.adminUrl });
  await admin.connect();
}, 30_000);
afterAll(async () => {
  await admin.end();
  await bench.close();
});

const FEE = { reference: 'txn_1', amount: 93n, currency: 'EUR' };
const refunded: ProviderRefund = {
  reference: 're_1',
  status: 'succeeded',
  amount: 1_500n,
  currency: 'EUR',
  failureReason: null,
};

/** A payment of 45.00 EUR that was captured, with a provider that reports its fee, and 15.00 EUR of it paid back. */
async function partlyRefunded(answers: Partial<Provider> = {}): Promise<BenchPayment> {
  const payment = bench.payment();
  const driver = bench.driver(
    playProvider({
      captureIntent: () => Promise.resolve(intent('captured', { fee: FEE })),
      refund: () => Promise.resolve({ kind: 'ok', value: refunded }),
      ...answers,
    }),
  );
  await payment.authorise();
  await drive(driver);
  await payment.capture();
  await drive(driver);
  await payment.refund(1_500);
  await drive(driver);
  return payment;
}

async function posted(paymentId: PaymentId): Promise<[string, number][]> {
  const { data } = await listEntries(bench.pool, { payment_id: paymentId, limit: 100 });
  return data.map((entry) => [entry.kind, entry.amount]);
}

const WHOLE: [string, number][] = [
  ['authorisation', 4_500],
  ['capture', 4_500],
  ['fee', 93],
  ['refund', 1_500],
];

describe('the ledger', () => {
  test('has every movement once, whoever tells of it and how often', async () => {
    const { paymentId } = await partlyRefunded();
    expect(await posted(paymentId)).toEqual(WHOLE);
    const captured = { kind: 'captured', amount: 4_500n, currency: 'EUR', fee: FEE } as const;
    await Promise.all(
      ['evt_1', 'evt_2', 'evt_3'].map((cause) =>
        withTransaction(bench.pool, (tx) => settleOutcome(tx, { paymentId, attempt: null, fact: captured, cause })),
      ),
    );
    expect(await posted(paymentId)).toEqual(WHOLE);
  });

  test('has the fee also where the capture was told by a callback, which knows none', async () => {
    const payment = bench.payment();
    const { paymentId } = payment;
    await payment.authorise();
    await drive(bench.driver(playProvider()));
    const capture = (fee: typeof FEE | null) =>
      withTransaction(bench.pool, (tx) =>
        settleOutcome(tx, {
          paymentId,
          attempt: null,
          fact: { kind: 'captured', amount: 4_500n, currency: 'EUR', fee },
          cause: 'evt_1',
        }),
      );
    expect([await capture(null), await capture(FEE)]).toEqual(['changed', 'already']);
    expect(await posted(paymentId)).toEqual(WHOLE.slice(0, 3));
  });

  test('has a void of what was held, and nothing of an intent that held nothing', async () => {
    const [held, empty] = [bench.payment(), bench.payment()];
    const driver = bench.driver(playProvider({ confirmIntent: () => Promise.resolve(intent('processing')) }));
    await held.authorise();
    await drive(bench.driver(playProvider()));
    await held.giveUp();
    await empty.authorise();
    await drive(driver);
    await empty.giveUp();
    await drive(driver);
    expect([await held.status(), await empty.status()]).toEqual(['VOIDED', 'VOIDED']);
    expect(await posted(held.paymentId)).toEqual([
      ['authorisation', 4_500],
      ['void', 4_500],
    ]);
    expect(await posted(empty.paymentId)).toEqual([]);
  });

  test('does not take over an amount that is not ours', async () => {
    const { paymentId } = await partlyRefunded({
      captureIntent: () => Promise.resolve(intent('captured', { amountCaptured: 4_501n, fee: FEE })),
    });
    expect(await posted(paymentId)).toEqual([['authorisation', 4_500]]);
  });

  test('commits with its fact: a capture that is rolled back posts nothing', async () => {
    const payment = bench.payment();
    const { paymentId } = payment;
    await payment.authorise();
    await drive(bench.driver(playProvider()));
    const fact = { kind: 'captured', amount: 4_500n, currency: 'EUR' } as const;
    const rolledBack = withTransaction(bench.pool, async (tx) => {
      await settleOutcome(tx, { paymentId, attempt: null, fact, cause: 'evt_1' });
      throw new Error('the database went away');
    });
    await expect(rolledBack).rejects.toThrow('went away');
    expect(await posted(paymentId)).toEqual([['authorisation', 4_500]]);
  });

  test('is never changed, not even by the owner of its tables', async () => {
    await partlyRefunded();
    for (const sql of [
      'update ledger_entries set amount = amount + 1',
      'delete from ledger_entries',
      'truncate ledger_entries',
    ]) {
      await expect(bench.pool.query(sql)).rejects.toMatchObject({ code: '23001' });
      await expect(admin.query(sql.replace('ledger', 'payment.ledger'))).rejects.toMatchObject({ code: '23001' });
    }
  });

  test.each([
    ['an amount of nothing', { amount: 0 }, 'ledger_entries_amount_is_positive'],
    ['a negative amount', { amount: -1 }, 'ledger_entries_amount_is_positive'],
    ['accounts of another kind', { debit_account: 'refunds' }, 'ledger_entries_kind_says_accounts'],
    ['a kind that nobody knows', { kind: 'gift' }, 'ledger_entries_kind_says_accounts'],
    ['a second capture under another name', { provider_reference: 'pi_2' }, 'ledger_entries_one_of_its_kind'],
  ])('refuses %s', async (_, change, constraint) => {
    const { paymentId } = await partlyRefunded();
    const row = {
      payment_id: paymentId,
      kind: 'capture',
      debit_account: 'provider_clearing',
      credit_account: 'authorisations',
      amount: 1,
      currency: 'EUR',
      provider_reference: 'pi_1',
      cause: 'test',
      ...change,
    };
    const columns = Object.keys(row);
    await expect(
      bench.pool.query(
        `insert into ledger_entries (${columns.join(', ')}) values (${columns.map((__, i) => `$${i + 1}`).join(', ')})`,
        Object.values(row),
      ),
    ).rejects.toMatchObject({ constraint });
  });
});

describe('the balances', () => {
  test('are what the payments say, and the sides of the books are equal', async () => {
    await partlyRefunded();
    const { rows } = await bench.pool.query<{ captured: bigint; refunded: bigint }>(
      'select sum(captured_amount)::bigint as captured, sum(refunded_amount)::bigint as refunded from payments',
    );
    const trial = await readTrialBalance(bench.pool);
    expect(trial).toMatchObject({ object: 'trial_balance', balanced: true, differences: [] });
    const [euros] = trial.currencies;
    expect(euros).toMatchObject({ currency: 'EUR', balanced: true });
    expect(euros!.debits).toBe(euros!.credits);
    const { data } = await readBalances(bench.pool, 'EUR');
    const of = (account: string) => data.find((each) => each.account === account)!;
    expect([BigInt(of('provider_clearing').debits), BigInt(of('refunds').balance)]).toEqual([
      rows[0]!.captured,
      rows[0]!.refunded,
    ]);
    expect((await readBalances(bench.pool, 'USD')).data).toEqual([]);
  });

  test('name a payment whose sums the ledger lacks, and posting what is missing mends it', async () => {
    const { paymentId } = await partlyRefunded();
    const before = await posted(paymentId);
    await admin.query('alter table payment.ledger_entries disable trigger ledger_entries_append_only');
    await admin.query(`delete from payment.ledger_entries where payment_id = $1 and kind <> 'fee'`, [paymentId]);
    await admin.query('alter table payment.ledger_entries enable trigger ledger_entries_append_only');
    const trial = await readTrialBalance(bench.pool);
    expect(trial.balanced).toBe(false);
    expect(trial.differences).toEqual([
      {
        payment_id: paymentId,
        captured_in_payment: 4_500,
        captured_in_ledger: 0,
        refunded_in_payment: 1_500,
        refunded_in_ledger: 0,
      },
    ]);

    expect(await postMissing(bench.pool)).toBe(3n);
    const byKind = (a: [string, number], b: [string, number]) => a[0].localeCompare(b[0]);
    expect((await posted(paymentId)).sort(byKind)).toEqual(before.sort(byKind));
    expect((await readTrialBalance(bench.pool)).balanced).toBe(true);
    expect(await postMissing(bench.pool)).toBe(0n);
  });

  test('are told in pages that end', async () => {
    const { paymentId } = await partlyRefunded();
    const first = await listEntries(bench.pool, { payment_id: paymentId, limit: 3 });
    expect([first.data.length, first.has_more]).toEqual([3, true]);
    const second = await listEntries(bench.pool, { payment_id: paymentId, limit: 3, cursor: first.next_cursor! });
    expect([...first.data, ...second.data].map((entry) => entry.kind)).toEqual(WHOLE.map(([kind]) => kind));
    expect(second.has_more).toBe(false);
    await expect(listEntries(bench.pool, { limit: 3, cursor: 'eA' })).rejects.toMatchObject({
      code: 'validation_failed',
    });
  });
});
