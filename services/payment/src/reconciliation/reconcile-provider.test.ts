import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { FindingState } from '@holdfast/shared/contracts/reconciliation';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import type { ListedIntent, Provider } from '../provider/provider.ts';
import { drive, openOperationsBench, type BenchPayment, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';
import { listFindings } from './list-findings.ts';
import { reconcileProvider } from './reconcile-provider.ts';

const logger = createLogger({ service: 'payment-test', level: 'silent' });
const window = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 3_600_000) };

let bench: OperationsBench;
beforeAll(async () => {
  bench = await openOperationsBench();
}, 30_000);
afterAll(() => bench.close());
// The books of one test are none of the next one's business.
beforeEach(async () => {
  await bench.pool.query('delete from reconciliation_findings');
  await bench.pool.query(`update payments set created_at = created_at - interval '1 day'`);
});

/** A payment that settled more than a minute ago, captured or authorised only, and the provider's intent of it. */
async function settled(state: 'authorised' | 'captured' = 'captured'): Promise<[BenchPayment, ListedIntent]> {
  const payment = bench.payment();
  const driver = bench.driver(playProvider());
  await payment.authorise();
  await drive(driver);
  if (state === 'captured') {
    await payment.capture();
    await drive(driver);
  }
  const { rows } = await bench.pool.query<{ reference: string }>(
    `update payments set updated_at = updated_at - interval '2 minutes' where id = $1
     returning provider_reference as reference`,
    [payment.paymentId],
  );
  return [payment, listed({ reference: rows[0]!.reference, paymentId: payment.paymentId })];
}

/** An intent of the list that captured our usual amount. */
function listed(change: Partial<ListedIntent>): ListedIntent {
  const answer = intent('captured');
  if (answer.kind !== 'ok') throw new Error('an intent is an answer');
  return { ...answer.value, paymentId: null, bookingId: null, amountRefunded: 0n, ...change };
}

/** Sweeps with a provider whose list has these intents, two on a page. */
function sweep(intents: ListedIntent[], answers: Partial<Provider> = {}) {
  const provider = playProvider({
    listIntents: ({ after }) => {
      const start = after === null ? 0 : Number(after);
      const next = start + 2 < intents.length ? String(start + 2) : null;
      return Promise.resolve({ kind: 'ok', value: { intents: intents.slice(start, start + 2), next } });
    },
    ...answers,
  });
  return reconcileProvider({ pool: bench.pool, provider, logger, onSettled: () => undefined }, window);
}

async function findings(state: FindingState | null = null) {
  const { data } = await listFindings(bench.pool, { state: state ?? undefined, limit: 20 });
  return data.map((finding) => [finding.kind, finding.provider_reference, finding.state]);
}

describe('a sweep', () => {
  test('finds nothing where both sides agree, over all pages', async () => {
    const payments = [await settled(), await settled(), await settled()];
    expect(await sweep(payments.map(([, there]) => there))).toEqual({
      compared: 3,
      found: 0,
      repaired: 0,
      complete: true,
    });
    expect(await findings()).toEqual([]);
  });

  test('tells the saga of money that was taken and not heard of, once', async () => {
    const [payment, there] = await settled('authorised');
    expect(await sweep([there])).toMatchObject({ found: 1, repaired: 1 });
    expect([await payment.status(), await payment.announced()]).toEqual(['CAPTURED', ['authorised', 'captured']]);
    expect(await findings()).toEqual([['paid_there_not_here', there.reference, 'REPAIRED']]);
    await sweep([there]);
    expect(await payment.announced()).toEqual(['authorised', 'captured']);
  });

  test('takes over no amount that is not ours', async () => {
    const [payment, there] = await settled('authorised');
    expect(await sweep([{ ...there, amountCaptured: 4_501n }])).toMatchObject({ found: 1, repaired: 0 });
    expect([await payment.status(), await payment.announced()]).toEqual(['UNKNOWN', ['authorised']]);
    expect(await findings('OPEN')).toEqual([['amount_differs', there.reference, 'OPEN']]);
  });

  test('lists what only a person can put right', async () => {
    const [, refundedThere] = await settled();
    const [paidTwice, first] = await settled();
    const [, missing] = await settled();
    const second = listed({ paymentId: paidTwice.paymentId });
    const stranger = listed({});
    const gone = { retrieveIntent: () => Promise.resolve({ kind: 'refused', reason: 'resource_missing' } as const) };
    const result = await sweep([{ ...refundedThere, amountRefunded: 700n }, first, second, stranger], gone);
    expect(result).toMatchObject({ found: 4, repaired: 0, complete: true });
    expect((await findings('OPEN')).sort((a, b) => (String(a) < String(b) ? -1 : 1))).toEqual(
      [
        ['duplicate_charge', second.reference, 'OPEN'],
        ['paid_here_not_there', missing.reference, 'OPEN'],
        ['paid_there_not_here', stranger.reference, 'OPEN'],
        ['refund_missing', refundedThere.reference, 'OPEN'],
      ].sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    );
  });

  test('closes what it finds no more', async () => {
    const [, there] = await settled();
    await sweep([{ ...there, amountRefunded: 700n }]);
    expect(await findings('OPEN')).toHaveLength(1);
    await sweep([there]);
    expect(await findings()).toEqual([['refund_missing', there.reference, 'GONE']]);
  });

  test('leaves a payment that is moving to the next one', async () => {
    const [payment, there] = await settled('authorised');
    await payment.capture();
    expect(await sweep([there])).toMatchObject({ compared: 1, found: 0 });
    expect(await payment.announced()).toEqual(['authorised']);
  });

  test('that the provider does not answer is told as incomplete and accuses nobody', async () => {
    await settled();
    const unknown = { kind: 'unknown', reason: 'no_answer' } as const;
    const silent = { retrieveIntent: () => Promise.resolve(unknown) };
    expect(await sweep([], silent)).toMatchObject({ found: 0, complete: false });
    expect(await sweep([], { listIntents: () => Promise.resolve(unknown) })).toMatchObject({ complete: false });
    expect(await findings()).toEqual([]);
  });
});
