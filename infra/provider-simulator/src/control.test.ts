import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { startSimulator, type Simulator } from './simulator.ts';
import { CallbackReceiver } from './testing/callback-receiver.ts';
import type { Effect, PendingCallback } from './world.ts';

const API_KEY = 'sk_test_simulator';
let simulator: Simulator;
let receiver: CallbackReceiver;
let data_dir: string;
let stripe: Stripe;
beforeEach(async () => {
  data_dir = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  receiver = new CallbackReceiver();
  await start(await receiver.listen());
});
afterEach(async () => {
  await simulator.stop();
  await receiver.close();
  await rm(data_dir, { recursive: true });
});

let callback_url: string;
async function start(url = callback_url): Promise<void> {
  callback_url = url;
  simulator = await startSimulator({
    host: '127.0.0.1',
    port: 0,
    data_dir,
    callback_url,
    webhook_secret: 'whsec_simulator_tests',
    api_key: API_KEY,
    latency_ms: 0,
  });
  stripe = new Stripe(API_KEY, {
    host: '127.0.0.1',
    port: simulator.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${simulator.port}/simulator${path}`, init);
const post = (path: string, body: unknown) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const rule = async (body: object): Promise<void> => {
  const answer = await post('/rules', body);
  expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('rule_')]);
};
const create = (booking_id = 'bk_1') =>
  stripe.paymentIntents.create({ amount: 2500, currency: 'eur', capture_method: 'manual', metadata: { booking_id } });
const pay = async (booking_id = 'bk_1', payment_method = 'pm_card_visa') =>
  stripe.paymentIntents.confirm((await create(booking_id)).id, { payment_method });
const witnessed = async (): Promise<string[]> => {
  const effects = (await (await ask('/effects')).json()) as Effect[];
  return effects.map(({ kind }) => kind).filter((kind) => kind !== 'callback_sent');
};
const types = () => receiver.received.map(({ event }) => event.type);

describe('a scripted call', () => {
  test('is carried out as another payment method says, once', async () => {
    await rule({ on: 'confirm', act: 'as', payment_method: 'pm_card_chargeDeclined' });
    await expect(pay()).rejects.toMatchObject({ code: 'card_declined' });
    expect((await pay()).status).toBe('requires_capture');
    expect(await (await ask('/rules')).json()).toEqual([]);
  });

  test('of one booking leaves the others alone', async () => {
    await rule({
      on: 'confirm',
      act: 'as',
      payment_method: 'pm_card_chargeDeclined',
      booking_id: 'bk_2',
      times: 'always',
    });
    expect((await pay('bk_1')).status).toBe('requires_capture');
    await expect(pay('bk_2')).rejects.toMatchObject({ code: 'card_declined' });
    await expect(pay('bk_2')).rejects.toMatchObject({ code: 'card_declined' });
  });

  test('loses its answer, and its effect stands', async () => {
    const { id } = await pay();
    await rule({ on: 'capture', act: 'lose_answer', how: '500', payment_intent: id });
    const key = { idempotencyKey: 'capture-1' };
    await expect(stripe.paymentIntents.capture(id, {}, key)).rejects.toMatchObject({ statusCode: 500 });
    expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
  });

  test('is refused without an effect, and its key is free', async () => {
    const { id } = await create();
    await rule({ on: 'confirm', act: 'refuse', status: 429, retry_after: 7 });
    await rule({ on: 'confirm', act: 'refuse', status: 503 });
    const confirm = () =>
      stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, { idempotencyKey: 'confirm-1' });
    const throttled = await confirm().catch((error: Stripe.errors.StripeError) => error);
    expect(throttled).toMatchObject({ statusCode: 429, headers: { 'retry-after': '7' } });
    await expect(confirm()).rejects.toMatchObject({ statusCode: 503 });
    expect(await witnessed()).toEqual(['intent_created']);
    expect((await confirm()).status).toBe('requires_capture');
  });
});

describe('a scripted callback', () => {
  test('is dropped', async () => {
    await rule({ on: 'callback', act: 'drop', event_type: 'payment_intent.created' });
    await pay();
    await receiver.take('payment_intent.amount_capturable_updated');
    expect(types()).toEqual(['payment_intent.amount_capturable_updated']);
  });

  test('is sent several times', async () => {
    await rule({ on: 'callback', act: 'duplicate', copies: 3, event_type: 'payment_intent.created' });
    await create();
    await receiver.take('payment_intent.created', 3);
    expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
  });

  test('is sent late', async () => {
    await rule({ on: 'callback', act: 'delay', ms: 300, event_type: 'payment_intent.created' });
    await pay();
    await receiver.take('payment_intent.created');
    expect(types()).toEqual(['payment_intent.amount_capturable_updated', 'payment_intent.created']);
  });

  test('is held, also over a restart, and released in another order', async () => {
    await rule({ on: 'callback', act: 'hold', times: 'always', booking_id: 'bk_1' });
    const { id } = await pay('bk_1');
    await stripe.paymentIntents.capture(id);
    await pay('bk_2');
    await receiver.take('payment_intent.amount_capturable_updated');
    await simulator.stop();
    await start();
    const waiting = (await (await ask('/callbacks')).json()) as PendingCallback[];
    expect(waiting.map(({ held }) => held)).toEqual([true, true, true]);
    receiver.received.length = 0;
    const released = await post('/callbacks/release', { booking_id: 'bk_1', order: 'reversed' });
    expect(((await released.json()) as { released: string[] }).released).toHaveLength(3);
    expect(types()).toEqual([
      'payment_intent.succeeded',
      'payment_intent.amount_capturable_updated',
      'payment_intent.created',
    ]);
  });
});

test('an authorisation lapses, and a callback tells of it', async () => {
  const { id } = await pay();
  expect((await post(`/payment_intents/${id}/lapse`, {})).status).toBe(200);
  await receiver.take('payment_intent.canceled');
  await expect(stripe.paymentIntents.capture(id)).rejects.toMatchObject({ code: 'payment_intent_unexpected_state' });
  expect((await post(`/payment_intents/${id}/lapse`, {})).status).toBe(409);
  expect((await post('/payment_intents/pi_none/lapse', {})).status).toBe(404);
});

describe('the desk refuses', () => {
  test.each([
    ['a call that nobody knows', { on: 'transfer', act: 'slow', ms: 5 }],
    ['an act of another kind', { on: 'callback', act: 'lose_answer', how: '500' }],
    ['a time without end', { on: 'read', act: 'slow', ms: 1e12 }],
    ['a field that nobody knows', { on: 'read', act: 'slow', ms: 5, why: 'x' }],
    ['a refusal that would be an answer', { on: 'read', act: 'refuse', status: 402 }],
  ])('%s', async (_, body) => {
    expect((await post('/rules', body)).status).toBe(422);
    expect(await (await ask('/rules')).json()).toEqual([]);
  });

  test('what is no JSON, and rules that are not there', async () => {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"on":"read","act":"slow","ms":5}',
    };
    expect((await ask('/rules', form)).status).toBe(415);
    expect((await ask('/rules', { ...form, headers: { 'content-type': 'application/json' }, body: '{' })).status).toBe(
      400,
    );
    expect((await ask('/rules/rule_9', { method: 'DELETE' })).status).toBe(404);
    await rule({ on: 'read', act: 'slow', ms: 5 });
    expect((await ask('/rules', { method: 'DELETE' })).status).toBe(204);
  });
});
