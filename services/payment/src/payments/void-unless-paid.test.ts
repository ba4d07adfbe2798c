import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { Answer, Intent } from '../provider/provider.ts';
import { drive, openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';
import { settleOutcome } from './settle-outcome.ts';

let bench: OperationsBench;
beforeEach(async () => {
  bench = await openOperationsBench();
}, 30_000);
// A database for each test: an operation that one leaves open would be taken up in the next.
afterEach(() => bench.close());

const ok = (value: Answer<Intent>) => Promise.resolve(value);
const TOO_EARLY: Answer<Intent> = { kind: 'wrong_state', reason: 'payment_intent_unexpected_state' };

/** A provider that is busy with the confirmation until `finish` says what came of it. */
function busyProvider() {
  let outcome: Answer<Intent> | null = null;
  const provider = playProvider({
    confirmIntent: () => ok(intent('processing')),
    retrieveIntent: () => ok(outcome ?? intent('processing')),
    cancelIntent: () => ok(outcome ? intent('canceled') : TOO_EARLY),
  });
  return { provider, finish: (with_: Answer<Intent> = intent('authorised')) => (outcome = with_) };
}

/** Lets time pass until nothing is due any more. */
async function driveOn(driver: Parameters<typeof drive>[0], rounds = 6): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await drive(driver);
    await bench.database.advanceClock(10_000);
  }
}

describe('giving up what the customer has not paid', () => {
  test('of a payment that is authorised leaves it standing and says so again', async () => {
    const provider = playProvider();
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    await drive(driver);
    expect(provider.asked.filter((call) => call.startsWith('cancel'))).toEqual([]);
    expect(await announced()).toEqual(['authorised', 'authorised']);
    expect(await status()).toBe('AUTHORIZED');
  });

  test('of one that the provider is busy with ends in the authorisation, which can then be captured', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, capture, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    await driveOn(driver);
    expect(await announced()).toEqual(['processing']);
    // A cancellation that is sent now could overtake what the provider is about to say.
    expect(provider.asked.filter((call) => call.startsWith('cancel'))).toEqual([]);
    finish();
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'authorised']);
    await capture();
    await drive(driver);
    expect(await announced()).toEqual(['processing', 'authorised', 'captured']);
    expect(await status()).toBe('CAPTURED');
  });

  test('of one that can still be given up gives it up', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    finish(intent('requires_action', { redirectUrl: 'https://provider.test/3ds' }));
    await giveUp('unless paid');
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'voided']);
  });

  test('of an amount that is not ours gives it up: it can never be captured', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    finish(intent('authorised', { amountCapturable: 4_501n }));
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'voided']);
  });

  test('and then for good gives the authorisation up as well', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    finish();
    await driveOn(driver);
    await giveUp();
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'authorised', 'voided']);
    expect(await status()).toBe('VOIDED');
  });

  test('is overtaken by giving it up for good while the provider is still busy', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    await drive(driver);
    await giveUp();
    finish();
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'voided']);
    expect(await status()).toBe('VOIDED');
  });

  test('hears of the authorisation by callback as well, once', async () => {
    const { provider, finish } = busyProvider();
    const { authorise, giveUp, announced, paymentId } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp('unless paid');
    finish();
    for (const cause of ['evt_1', 'evt_2']) {
      await withTransaction(bench.pool, (tx) =>
        settleOutcome(tx, {
          paymentId,
          attempt: null,
          fact: { kind: 'authorised', amount: 4_500n, currency: 'EUR' },
          cause,
        }),
      );
    }
    await driveOn(driver);
    expect(await announced()).toEqual(['processing', 'authorised']);
    expect(provider.asked.filter((call) => call.startsWith('cancel'))).toEqual([]);
  });
});
