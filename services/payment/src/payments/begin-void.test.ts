import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer, Intent } from '../provider/provider.ts';
import { drive, openOperationsBench, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';

let bench: OperationsBench;
beforeEach(async () => {
  bench = await openOperationsBench();
}, 30_000);
// A database for each test: an operation that one leaves open would be taken up in the next.
afterEach(() => bench.close());

describe('giving an authorisation up', () => {
  test('before anything was sent asks the provider nothing', async () => {
    const provider = playProvider();
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await giveUp();
    await drive(driver);
    expect(provider.asked).toEqual([]);
    expect(await announced()).toEqual(['voided']);
    expect(await status()).toBe('VOIDED');
  });

  test('while the intent is being made cancels it without confirming it', async () => {
    const answered = Promise.withResolvers<Answer<Intent>>();
    const provider = playProvider({ createIntent: () => answered.promise });
    const { authorise, giveUp, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await driver.runOnce();
    await giveUp();
    answered.resolve(intent('open'));
    await driver.idle();
    await drive(driver);
    expect(provider.asked).toEqual(['create create', 'cancel cancel']);
    expect(await announced()).toEqual(['voided']);
  });

  test('of an intent that was refused is done at once', async () => {
    const provider = playProvider({
      createIntent: () => Promise.resolve({ kind: 'refused', reason: 'amount_too_small' }),
    });
    const { authorise, giveUp, announced } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp();
    await drive(driver);
    expect(provider.asked).toEqual(['create create']);
    expect(await announced()).toEqual(['declined', 'voided']);
  });

  test('while an intent that will be refused is being made is done with the refusal', async () => {
    const answered = Promise.withResolvers<Answer<Intent>>();
    const provider = playProvider({ createIntent: () => answered.promise });
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
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
    const provider = playProvider({
      confirmIntent: () => Promise.resolve({ kind: 'unknown', reason: 'no_answer' }),
      retrieveIntent: () => Promise.resolve(intent('authorised')),
      cancelIntent: () => {
        tries += 1;
        return Promise.resolve(tries < 3 ? { kind: 'unknown', reason: 'http_500' } : intent('canceled'));
      },
    });
    const { authorise, giveUp, announced, status } = bench.payment();
    const driver = bench.driver(provider);
    await authorise();
    await drive(driver);
    await giveUp();
    for (let round = 0; round < 3; round += 1) {
      await drive(driver);
      await bench.database.advanceClock(30_000);
    }
    expect(tries).toBe(3);
    expect(await announced()).toEqual(['unknown', 'voided']);
    expect(await status()).toBe('VOIDED');
  });
});
