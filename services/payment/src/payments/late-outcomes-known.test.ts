import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Answer, Intent, Provider, ProviderRefund } from '../provider/provider.ts';
import { drive, openOperationsBench, type BenchPayment, type OperationsBench } from '../testing/operations-bench.ts';
import { intent, playProvider } from '../testing/played-provider.ts';

/**
 * Late and odd outcomes end within 60 s. Half of them are payment's: from the moment at which the provider knows, without any callback
 * and with the longest pauses that chance may give. Booking's half is services/booking/src/checkout-saga/late-outcomes-end.test.ts.
 */
const LIMIT_S = 30;

let bench: OperationsBench;
beforeEach(async () => {
  bench = await openOperationsBench();
}, 30_000);
// A database for each test: an operation that one leaves open would be taken up in the next.
afterEach(() => bench.close());

const unknown: Answer<never> = { kind: 'unknown', reason: 'no_answer' };
const refusedByOwner = intent('open', { failure: { reason: 'authentication_failed', charge: 'ch_1' } });
const waitsForOwner = intent('requires_action', { redirectUrl: 'https://provider.test/3ds' });
const otherAmount = intent('captured', { amountCaptured: 4_501n });
const refunded: Answer<ProviderRefund> = {
  kind: 'ok',
  value: { reference: 're_1', status: 'succeeded', amount: 4_500n, currency: 'EUR', failureReason: null },
};

/** What booking has asked for by the time at which the provider still does not know. */
type Asked = (payment: BenchPayment, settle: () => Promise<void>) => Promise<void>;
const toPay: Asked = (payment) => payment.authorise();
const toGiveUpUnlessPaid: Asked = async (payment, settle) => {
  await payment.authorise();
  await settle();
  await payment.giveUp('unless paid');
};
const toGiveUp: Asked = async (payment, settle) => {
  await payment.authorise();
  await settle();
  await payment.giveUp();
};
const toCapture: Asked = async (payment, settle) => {
  await payment.authorise();
  await settle();
  await payment.capture();
};
const toRefund: Asked = async (payment, settle) => {
  await toCapture(payment, settle);
  await settle();
  await payment.refund(4_500);
};

/** One that answers `until` it knows, and tells the outcome from then on. Calls that are not listed go well. */
function lateProvider(calls: readonly (keyof Provider)[], until: Answer<never> | Answer<Intent>, outcome: unknown) {
  let knows = false;
  const answer = () => Promise.resolve(knows ? outcome : until) as never;
  const looks = { retrieveIntent: answer, findRefund: answer };
  const provider = playProvider({ ...looks, ...Object.fromEntries(calls.map((call) => [call, answer])) });
  return { provider, finish: () => (knows = true) };
}

describe('is announced soon after the provider knows, though no callback comes', () => {
  const busy = intent('processing');
  test.each<[string, Asked, (keyof Provider)[], Answer<Intent>, unknown, string]>([
    ['an authorisation after a long silence', toPay, ['confirmIntent'], unknown, intent('authorised'), 'authorised'],
    ['a decline after a long silence', toPay, ['confirmIntent'], unknown, refusedByOwner, 'declined'],
    ['an authorisation that takes long', toPay, ['confirmIntent'], busy, intent('authorised'), 'authorised'],
    ['a method that captures late', toPay, ['confirmIntent'], busy, intent('captured'), 'captured'],
    ['a method that fails late', toPay, ['confirmIntent'], busy, refusedByOwner, 'declined'],
    ['an owner who approves', toPay, ['confirmIntent'], waitsForOwner, intent('authorised'), 'authorised'],
    ['an owner who refuses', toPay, ['confirmIntent'], waitsForOwner, refusedByOwner, 'declined'],
    ['a capture after a long silence', toCapture, ['captureIntent'], unknown, intent('captured'), 'captured'],
    [
      'the hold ran out, then authorised',
      toGiveUpUnlessPaid,
      ['confirmIntent'],
      busy,
      intent('authorised'),
      'authorised',
    ],
    ['the hold ran out, then captured', toGiveUpUnlessPaid, ['confirmIntent'], busy, intent('captured'), 'captured'],
    ['the hold ran out, then refused', toGiveUpUnlessPaid, ['confirmIntent'], busy, refusedByOwner, 'voided'],
    ['cancelled, then captured', toGiveUp, ['confirmIntent', 'cancelIntent'], unknown, intent('captured'), 'captured'],
    ['given up after a long silence', toGiveUp, ['cancelIntent'], unknown, intent('canceled'), 'voided'],
    ['a refund after a long silence', toRefund, ['refund'], unknown, refunded, 'refunded'],
  ])('%s', async (_, asked, calls, until, outcome, name) => {
    const { provider, finish } = lateProvider(calls, until, outcome);
    const payment = bench.payment();
    const driver = bench.driver(provider);
    const settle = () => drive(driver);
    await asked(payment, settle);
    // Long enough for the pauses to have grown as long as they get.
    for (let second = 0; second < 180; second += 3) {
      await settle();
      await bench.database.advanceClock(3_000);
    }
    expect(await payment.announced()).not.toContain(name);
    finish();
    const isAnnounced = async () => (await payment.announced()).includes(name);
    expect(await secondsUntil(name, isAnnounced, settle)).toBeLessThanOrEqual(LIMIT_S);
  });
});

test('another amount is quarantined soon after the provider knows, though no callback comes', async () => {
  const { provider, finish } = lateProvider(['confirmIntent'], intent('processing'), otherAmount);
  const payment = bench.payment();
  const settle = () => drive(bench.driver(provider));
  await payment.authorise();
  await settle();
  expect(await payment.status()).toBe('PROCESSING');
  finish();
  const isQuarantined = async () => (await payment.status()) === 'UNKNOWN';
  expect(await secondsUntil('quarantined', isQuarantined, settle)).toBeLessThanOrEqual(LIMIT_S);
  expect(await payment.announced()).not.toContain('captured');
});

/** Seconds of the application's time until it is so. */
async function secondsUntil(what: string, isSo: () => Promise<boolean>, step: () => Promise<void>): Promise<number> {
  for (let second = 0; second <= 600; second += 1) {
    await step();
    if (await isSo()) return second;
    await bench.database.advanceClock(1_000);
  }
  throw new Error(`not ${what} in ten minutes`);
}
