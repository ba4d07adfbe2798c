import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { settleOutcome } from '../payments/settle-outcome.ts';
import type { Answer, Intent, ProviderRefund } from '../provider/provider.ts';
import { drive, openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';

let bench: OperationsBench;
beforeEach(async () => {
  bench = await openOperationsBench();
}, 30_000);
// A database for each test: an operation that one leaves open would be taken up in the next.
afterEach(() => bench.close());

/** Gives the answers one after the other, the last one again and again. */
function inTurn<T>(...answers: Answer<T>[]): () => Promise<Answer<T>> {
  let turn = 0;
  return () => Promise.resolve(answers[Math.min(turn++, answers.length - 1)]!);
}
const unknown: Answer<never> = { kind: 'unknown', reason: 'no_answer' };

describe('a call', () => {
  test('that is put off is made again after its delay and not before, with the same key', async () => {
    const provider = playProvider({
      confirmIntent: inTurn<Intent>({ kind: 'later', delayMs: 7_000, reason: 'rate_limited' }, intent('authorised')),
    });
    const { authorise, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await bench.database.advanceClock(6_000);
    await drive(driver);
    expect(provider.asked).toEqual(['create create', 'confirm confirm/1']);
    await bench.database.advanceClock(2_000);
    await drive(driver);
    expect(provider.asked).toEqual(['create create', 'confirm confirm/1', 'confirm confirm/1']);
    expect(await announced()).toEqual(['authorised']);
  });

  test('of unknown outcome is looked at after 5 s, then less and less often, at most 20 s apart', async () => {
    const provider = playProvider({ confirmIntent: inTurn<Intent>(unknown), retrieveIntent: inTurn<Intent>(unknown) });
    const { authorise, announced, paymentId } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    const pauses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      await drive(driver);
      const { rows } = await bench.pool.query<{ pause: number }>(
        `select round(extract(epoch from due_at - clock.app_now()))::int as pause
           from operations where payment_id = $1 and kind = 'confirm'`,
        [paymentId],
      );
      pauses.push(rows[0]!.pause);
      await bench.database.advanceClock(rows[0]!.pause * 1_000 + 500);
    }
    expect(pauses).toEqual([5, 10, 20, 20, 20]);
    expect(await announced()).toEqual(['unknown']);
    expect(provider.asked.filter((call) => call.startsWith('confirm'))).toHaveLength(1);
  });

  test('that a look shows was not carried out is sent again under its key', async () => {
    const provider = playProvider({
      confirmIntent: inTurn<Intent>(unknown, intent('authorised')),
      retrieveIntent: inTurn<Intent>(intent('open')),
    });
    const { authorise, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await bench.database.advanceClock(6_000);
    await drive(driver);
    expect(provider.asked).toEqual(['create create', 'confirm confirm/1', 'retrieve', 'confirm confirm/1']);
    expect(await announced()).toEqual(['unknown', 'authorised']);
  });

  test('whose key only repeats a stored 5xx goes again under a fresh one', async () => {
    const failed: Answer<never> = { kind: 'unknown', reason: 'http_500' };
    const provider = playProvider({
      confirmIntent: inTurn<Intent>(failed, failed, intent('authorised')),
      retrieveIntent: inTurn<Intent>(intent('open')),
    });
    const { authorise, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    for (let round = 0; round < 3; round += 1) {
      await drive(driver);
      await bench.database.advanceClock(25_000);
    }
    expect(provider.asked.filter((call) => call.startsWith('confirm'))).toEqual([
      'confirm confirm/1',
      'confirm confirm/1',
      'confirm confirm/1/g2',
    ]);
    expect(await announced()).toEqual(['unknown', 'authorised']);
  });

  test('is not taken for declined because the card before it was', async () => {
    const declined: Answer<never> = { kind: 'declined', reason: 'generic_decline', charge: 'ch_first' };
    const provider = playProvider({
      confirmIntent: inTurn<Intent>(declined, unknown, intent('authorised')),
      retrieveIntent: inTurn<Intent>(intent('open', { failure: { reason: 'generic_decline', charge: 'ch_first' } })),
    });
    const { authorise, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await authorise(2);
    await drive(driver);
    await bench.database.advanceClock(10_000);
    await drive(driver);
    expect(await announced()).toEqual(['declined', 'unknown', 'authorised']);
  });

  test('about another amount is quarantined and not made again', async () => {
    const provider = playProvider({ confirmIntent: inTurn<Intent>(intent('authorised', { amountCapturable: 45n })) });
    const { authorise, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await bench.database.advanceClock(600_000);
    await drive(driver);
    expect(provider.asked).toEqual(['create create', 'confirm confirm/1']);
    expect([await status(), await announced()]).toEqual(['UNKNOWN', ['unknown']]);
  });
});

test('an authorisation that is told with another amount later is never captured', async () => {
  const provider = playProvider();
  const { authorise, capture, announced, paymentId, status } = bench.payment();
  const driver = bench.driver(provider);
  await authorise();
  await drive(driver);
  const fact = { kind: 'authorised', amount: 4_501n, currency: 'EUR' } as const;
  await withTransaction(bench.pool, (tx) => settleOutcome(tx, { paymentId, attempt: null, fact, cause: 'evt_1' }));
  await capture();
  await drive(driver);
  expect(provider.asked.filter((call) => call.startsWith('capture'))).toEqual([]);
  expect([await status(), await announced()]).toEqual(['UNKNOWN', ['authorised', 'capture_failed']]);
});

describe('several processes', () => {
  test('take each operation once', async () => {
    const provider = playProvider();
    const payments = Array.from({ length: 20 }, () => bench.payment());
    for (const payment of payments) await payment.authorise();
    const drivers = [bench.driver(provider), bench.driver(provider), bench.driver(provider)];
    await Promise.all(drivers.map(drive));
    expect(provider.asked.filter((call) => call.startsWith('create'))).toHaveLength(20);
    expect(provider.asked.filter((call) => call.startsWith('confirm'))).toHaveLength(20);
    for (const payment of payments) expect(await payment.announced()).toEqual(['authorised']);
  });

  test('take a call over within 15 s of its holder’s death, with its key, and tell its outcome once', async () => {
    const vanished = Promise.withResolvers<Answer<Intent>>();
    const sent = Promise.withResolvers<void>();
    const stuck = bench.driver(
      playProvider({
        confirmIntent: () => {
          sent.resolve();
          return vanished.promise;
        },
      }),
    );
    const provider = playProvider({ retrieveIntent: inTurn<Intent>(intent('open')) });
    const heir = bench.driver(provider);
    const { authorise, announced } = bench.payment();
    await authorise();
    await stuck.runOnce();
    await sent.promise;
    await drive(heir);
    expect(provider.asked).toEqual([]);
    await bench.database.advanceClock(14_000);
    await drive(heir);
    expect(provider.asked).toEqual(['confirm confirm/1']);
    // The one that was thought dead comes back with the same answer.
    vanished.resolve(intent('authorised'));
    await stuck.idle();
    expect(await announced()).toEqual(['authorised']);
  });
});

describe('a refund', () => {
  const refunded: Answer<ProviderRefund> = {
    kind: 'ok',
    value: { reference: 're_1', status: 'succeeded', amount: 4_500n, currency: 'EUR', failureReason: null },
  };

  async function captured(provider: Parameters<OperationsBench['driver']>[0]) {
    const payment = bench.payment();
    const driver = bench.driver(provider);
    await payment.authorise();
    await drive(driver);
    await payment.capture();
    await drive(driver);
    return { ...payment, driver };
  }

  test('of unknown outcome is looked for before it is sent again', async () => {
    const provider = playProvider({
      refund: inTurn<ProviderRefund>(unknown),
      findRefund: inTurn<ProviderRefund | null>(refunded),
    });
    const { refund, driver, announced, status } = await captured(provider);
    await refund(4_500);
    await drive(driver);
    await bench.database.advanceClock(6_000);
    await drive(driver);
    expect(provider.asked.slice(-2)).toEqual(['refund', 'find refund']);
    expect([await status(), await announced()]).toEqual(['REFUNDED', ['authorised', 'captured', 'refunded']]);
  });

  test('that the provider is still busy with is told when it is done', async () => {
    const pending: Answer<ProviderRefund> = { kind: 'ok', value: { ...refunded.value, status: 'pending' } };
    const provider = playProvider({
      refund: inTurn(pending),
      findRefund: inTurn<ProviderRefund | null>(pending, refunded),
    });
    const { refund, driver, announced } = await captured(provider);
    await refund(4_500);
    for (let round = 0; round < 3; round += 1) {
      await drive(driver);
      await bench.database.advanceClock(6_000);
    }
    expect(await announced()).toEqual(['authorised', 'captured', 'refunded']);
  });

  test('that fails frees its amount for another one', async () => {
    const failed: Answer<ProviderRefund> = {
      kind: 'ok',
      value: { ...refunded.value, status: 'failed', failureReason: 'expired_or_canceled_card' },
    };
    const provider = playProvider({ refund: inTurn(failed, refunded) });
    const { refund, driver, announced, status } = await captured(provider);
    await refund(4_500);
    await drive(driver);
    await refund(4_500);
    await drive(driver);
    expect(await announced()).toEqual(['authorised', 'captured', 'refund_failed', 'refunded']);
    expect(await status()).toBe('REFUNDED');
  });
});
