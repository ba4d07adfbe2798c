import { afterEach, describe, expect, test } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { systemScheduler, type Scheduler } from './scheduler.ts';
import { startSimulator, type Simulator } from './simulator.ts';
import { CallbackReceiver } from './testing/callback-receiver.ts';
import { ManualScheduler } from './testing/manual-scheduler.ts';
import type { Effect } from './world.ts';

const API_KEY = 'sk_test_simulator';
const SECRET = 'whsec_simulator_tests';
const BOOKING = { booking_id: 'bk_1' };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setup(scheduler: Scheduler = systemScheduler) {
  const data_dir = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  cleanups.push(() => rm(data_dir, { recursive: true }));
  const receiver = new CallbackReceiver();
  const callback_url = await receiver.listen();
  cleanups.push(() => receiver.close());

  let simulator: Simulator;
  const start = async (): Promise<void> => {
    const config = { host: '127.0.0.1', port: 0, data_dir, callback_url, webhook_secret: SECRET, api_key: API_KEY };
    const started = await startSimulator({ ...config, latency_ms: 0 }, { scheduler });
    cleanups.push(() => started.stop());
    simulator = started;
  };
  await start();

  const client = (api_key = API_KEY): Stripe =>
    new Stripe(api_key, {
      host: '127.0.0.1',
      port: simulator.port,
      protocol: 'http',
      maxNetworkRetries: 0,
      timeout: 5000,
    });
  const create = (metadata: Record<string, string> = BOOKING): Promise<Stripe.PaymentIntent> =>
    client().paymentIntents.create({ amount: 2500, currency: 'eur', capture_method: 'manual', metadata });
  const effects = async (query = 'booking_id=bk_1'): Promise<Effect[]> =>
    (await (await fetch(`http://127.0.0.1:${simulator.port}/simulator/effects?${query}`)).json()) as Effect[];
  const moneyEffects = async (): Promise<string[]> =>
    (await effects()).filter((effect) => effect.kind !== 'callback_sent').map((effect) => effect.kind);
  const restart = async (): Promise<void> => {
    await simulator.stop();
    await start();
  };
  return {
    client,
    create,
    effects,
    moneyEffects,
    receiver,
    restart,
    data_dir,
    url: () => `http://127.0.0.1:${simulator.port}`,
  };
}

const failure = (call: Promise<unknown>): Promise<Stripe.errors.StripeError> =>
  call.then(
    () => Promise.reject(new Error('the call was expected to fail')),
    (error: Stripe.errors.StripeError) => error,
  );

describe('a card that works', () => {
  test('is authorised, captured and refunded, and each step is in the witness', async () => {
    const { client, create, effects, moneyEffects } = await setup();
    const created = await create();
    expect(created).toMatchObject({
      status: 'requires_payment_method',
      amount: 2500,
      currency: 'eur',
      livemode: false,
    });

    const authorised = await client().paymentIntents.confirm(
      created.id,
      { payment_method: 'pm_card_visa', expand: ['latest_charge'] },
      { idempotencyKey: 'confirm-1' },
    );
    expect(authorised).toMatchObject({ status: 'requires_capture', amount_capturable: 2500, amount_received: 0 });
    expect(authorised.latest_charge).toMatchObject({ object: 'charge', captured: false });

    const captured = await client().paymentIntents.capture(created.id);
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 2500 });

    const refund = await client().refunds.create({ payment_intent: created.id, amount: 1000 });
    expect(refund).toMatchObject({ status: 'succeeded', amount: 1000, payment_intent: created.id });
    const tooMuch = await failure(client().refunds.create({ payment_intent: created.id, amount: 1501 }));
    expect(tooMuch).toMatchObject({ statusCode: 400, param: 'amount' });
    await client().refunds.create({ payment_intent: created.id });
    const again = await failure(client().refunds.create({ payment_intent: created.id }));
    expect(again).toMatchObject({ statusCode: 400, code: 'charge_already_refunded' });

    const listed = await client().refunds.list({ payment_intent: created.id });
    expect(listed.data.map((each) => each.amount)).toEqual([1500, 1000]);
    expect(await moneyEffects()).toEqual(['intent_created', 'authorised', 'captured', 'refunded', 'refunded']);
    const authorisation = (await effects()).find((effect) => effect.kind === 'authorised');
    expect(authorisation).toMatchObject({
      amount: 2500,
      currency: 'eur',
      payment_intent: created.id,
      idempotency_key: 'confirm-1',
    });
  });

  test('is announced by callbacks whose signature the official package accepts', async () => {
    const { client, create, receiver } = await setup();
    const { id } = await create();
    await client().paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    const callback = await receiver.take('payment_intent.amount_capturable_updated');
    const event = client().webhooks.constructEvent(callback.body, callback.signature, SECRET);
    expect(event.data.object).toMatchObject({ id, status: 'requires_capture', metadata: BOOKING });
    expect(() => client().webhooks.constructEvent(`${callback.body} `, callback.signature, SECRET)).toThrow(
      'No signatures found matching the expected signature',
    );
    expect(await client().events.retrieve(event.id)).toMatchObject({ id: event.id, type: event.type });
  });

  test('can be given up before capture, and not captured afterwards', async () => {
    const { client, create } = await setup();
    const { id } = await create();
    await client().paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await client().paymentIntents.cancel(id)).toMatchObject({ status: 'canceled', amount_capturable: 0 });
    const late = await failure(client().paymentIntents.capture(id));
    expect(late).toMatchObject({ statusCode: 400, code: 'payment_intent_unexpected_state' });
    expect(late.payment_intent).toMatchObject({ id, status: 'canceled' });
  });
});

describe('a declined card', () => {
  test('is a card error, and the intent takes another card', async () => {
    const { client, create, moneyEffects } = await setup();
    const { id } = await create();
    const declined = await failure(client().paymentIntents.confirm(id, { payment_method: 'pm_card_chargeDeclined' }));
    expect(declined).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(declined).toMatchObject({ statusCode: 402, code: 'card_declined', decline_code: 'generic_decline' });
    expect(declined.payment_intent).toMatchObject({ id, status: 'requires_payment_method' });
    expect((await client().paymentIntents.retrieve(id)).last_payment_error).toMatchObject({ code: 'card_declined' });
    await client().paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
    expect(await moneyEffects()).toEqual(['intent_created', 'declined', 'authorised']);
  });
});

describe('a lost answer', () => {
  test.each(['pm_sim_timeout_applied', 'pm_sim_timeout_applied_capture'])(
    'of %s stands and is replayed',
    async (method) => {
      const { client, create, moneyEffects } = await setup();
      const { id } = await create();
      const confirm = (): Promise<Stripe.PaymentIntent> =>
        client().paymentIntents.confirm(id, { payment_method: method }, { idempotencyKey: 'confirm' });
      const capture = (): Promise<Stripe.PaymentIntent> =>
        client().paymentIntents.capture(id, {}, { idempotencyKey: 'capture' });
      const lossy = method.endsWith('capture') ? capture : confirm;
      if (lossy === capture) await confirm();

      expect(await failure(lossy())).toBeInstanceOf(Stripe.errors.StripeConnectionError);
      const status = lossy === capture ? 'succeeded' : 'requires_capture';
      expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status });
      expect(await lossy()).toMatchObject({ status });
      expect((await moneyEffects()).filter((kind) => kind === 'authorised')).toHaveLength(1);
    },
  );

  test('that is a 500 is replayed as a 500, while the effect stands', async () => {
    const { client, create, moneyEffects } = await setup();
    const { id } = await create();
    for (let attempt = 0; attempt < 2; attempt++) {
      const confirm = client().paymentIntents.confirm(
        id,
        { payment_method: 'pm_sim_500_applied' },
        { idempotencyKey: 'k' },
      );
      expect(await failure(confirm)).toMatchObject({ statusCode: 500, type: 'StripeAPIError' });
    }
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_capture' });
    expect(await moneyEffects()).toEqual(['intent_created', 'authorised']);
  });
});

describe('an idempotency key', () => {
  test('gives one effect and one answer', async () => {
    const { client, moneyEffects } = await setup();
    const params = { amount: 2500, currency: 'eur', metadata: BOOKING };
    const first = await client().paymentIntents.create(params, { idempotencyKey: 'create' });
    const second = await client().paymentIntents.create(params, { idempotencyKey: 'create' });
    expect(second.id).toBe(first.id);
    expect(second.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await moneyEffects()).toEqual(['intent_created']);
    const misused = await failure(
      client().paymentIntents.create({ ...params, amount: 1 }, { idempotencyKey: 'create' }),
    );
    expect(misused).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  });

  test('is in use while a slow call runs', async () => {
    const scheduler = new ManualScheduler();
    const { client, create, moneyEffects } = await setup(scheduler);
    const { id } = await create();
    const confirm = (): Promise<Stripe.PaymentIntent> =>
      client().paymentIntents.confirm(id, { payment_method: 'pm_sim_slow_700' }, { idempotencyKey: 'slow' });
    const first = confirm();
    await scheduler.waitingFor(700);
    expect(await failure(confirm())).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_payment_method' });
    scheduler.advance(700);
    expect(await first).toMatchObject({ status: 'requires_capture' });
    expect(await moneyEffects()).toEqual(['intent_created', 'authorised']);
  });
});

describe('a card whose outcome comes by callback alone', () => {
  test('says processing until its time, also across a restart', async () => {
    const scheduler = new ManualScheduler();
    const { client, create, receiver, restart } = await setup(scheduler);
    const { id } = await create();
    const confirmed = await client().paymentIntents.confirm(id, { payment_method: 'pm_sim_webhook_only_4000' });
    expect(confirmed.status).toBe('processing');
    expect(await failure(client().paymentIntents.cancel(id))).toMatchObject({
      code: 'payment_intent_unexpected_state',
    });
    await restart();
    scheduler.advance(3999);
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'processing' });
    scheduler.advance(1);
    await receiver.take('payment_intent.amount_capturable_updated');
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_capture' });
  });

  test('may be declined', async () => {
    const scheduler = new ManualScheduler();
    const { client, create, receiver } = await setup(scheduler);
    const { id } = await create();
    await client().paymentIntents.confirm(id, { payment_method: 'pm_sim_webhook_only_10_declined' });
    scheduler.advance(10);
    await receiver.take('payment_intent.payment_failed');
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_payment_method' });
  });
});

describe('a callback', () => {
  test('that the receiver refuses is sent again with the same id until it is taken', async () => {
    const scheduler = new ManualScheduler();
    const { create, effects, receiver, restart } = await setup(scheduler);
    receiver.answer = 503;
    await create();
    const first = await receiver.take('payment_intent.created');
    await scheduler.waitingFor(100);
    await restart();
    receiver.answer = 200;
    scheduler.advance(100);
    const second = await receiver.take('payment_intent.created', 2);
    expect(second.event.id).toBe(first.event.id);
    const [refused] = (await effects()).filter((effect) => effect.kind === 'callback_sent');
    expect(refused).toMatchObject({ answer_status: 503, attempt: 1, event_id: first.event.id });
  });

  test('comes twice, or never, where the payment method says so', async () => {
    const scheduler = new ManualScheduler();
    const { client, create, receiver } = await setup(scheduler);
    const silent = await create({ booking_id: 'silent' });
    await client().paymentIntents.confirm(silent.id, { payment_method: 'pm_sim_webhook_never' });
    scheduler.advance(500);
    expect(await client().paymentIntents.retrieve(silent.id)).toMatchObject({ status: 'requires_capture' });
    const doubled = await create({ booking_id: 'doubled' });
    await client().paymentIntents.confirm(doubled.id, { payment_method: 'pm_sim_webhook_duplicate' });
    const type = 'payment_intent.amount_capturable_updated';
    const first = await receiver.take(type);
    const second = await receiver.take(type, 2);
    expect(second.event.id).toBe(first.event.id);
    const announced = receiver.received.filter((each) => each.event.type === type).map((each) => each.body);
    expect(announced.every((body) => body.includes(doubled.id))).toBe(true);
  });
});

describe('a restart', () => {
  test('finds intents, refunds, answers and the witness again, and drops a line that was cut off', async () => {
    const { client, create, effects, restart, data_dir } = await setup();
    const { id } = await create();
    const confirm = (): Promise<Stripe.PaymentIntent> =>
      client().paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }, { idempotencyKey: 'k' });
    await confirm();
    const onDisk = await readFile(join(data_dir, 'journal.jsonl'), 'utf8');
    expect(onDisk).toContain('"kind":"authorised"');
    await restart();
    await appendFile(join(data_dir, 'journal.jsonl'), '{"effects":[{"kind":"captu');
    await restart();
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_capture' });
    expect(await confirm()).toMatchObject({ status: 'requires_capture' });
    await client().paymentIntents.capture(id);
    await restart();
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'succeeded' });
    const seqs = (await effects('')).map((effect) => effect.seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });
});

describe('a card that wants the bank to ask', () => {
  test('needs action until its owner approves', async () => {
    const { client, create } = await setup();
    const { id } = await create();
    const waiting = await client().paymentIntents.confirm(id, { payment_method: 'pm_card_authenticationRequired' });
    expect(waiting.status).toBe('requires_action');
    const page = waiting.next_action?.redirect_to_url?.url ?? '';
    const approved = await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome: 'approve' }) });
    expect(approved.status).toBe(200);
    expect(await client().paymentIntents.retrieve(id)).toMatchObject({ status: 'requires_capture' });
  });
});

describe('lists and searches', () => {
  test('find intents by time, page and metadata', async () => {
    const { client, create } = await setup();
    const ids: string[] = [];
    for (const booking_id of ['a', 'b', 'c']) ids.push((await create({ booking_id })).id);
    const { data, has_more } = await client().paymentIntents.list({ limit: 2 });
    expect([data.map((each) => each.id), has_more]).toEqual([[ids[2], ids[1]], true]);
    const next = await client().paymentIntents.list({ limit: 2, starting_after: ids[1] as string });
    expect(next.data.map((each) => each.id)).toEqual([ids[0]]);
    const future = Math.floor(Date.now() / 1000) + 3600;
    expect((await client().paymentIntents.list({ created: { gte: future } })).data).toEqual([]);
    const found = await client().paymentIntents.search({ query: "metadata['booking_id']:'b'" });
    expect(found.data.map((each) => each.id)).toEqual([ids[1]]);
    expect((await client().events.list({ type: 'payment_intent.created' })).data).toHaveLength(3);
  });
});

describe('what is refused', () => {
  test('names the reason as Stripe does and leaves no trace', async () => {
    const { client, create, moneyEffects, url } = await setup();
    const { id } = await create();
    const { paymentIntents } = client();
    expect(await failure(client('sk_test_wrong').paymentIntents.retrieve(id))).toMatchObject({ statusCode: 401 });
    expect(await failure(paymentIntents.retrieve('pi_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
    const noMethod = await failure(paymentIntents.confirm(id, { payment_method: 'pm_nope' }));
    expect(noMethod).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'payment_method' });
    expect(noMethod.message).toContain('No such PaymentMethod');
    const noAmount = await failure(paymentIntents.create({ amount: 1.5, currency: 'eur' }));
    expect(noAmount).toMatchObject({ statusCode: 400, param: 'amount' });
    const unknown = await failure(paymentIntents.create({ amount: 1, currency: 'eur', nonsense: 1 } as never));
    expect(unknown).toMatchObject({ statusCode: 400, code: 'parameter_unknown', param: 'nonsense' });
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
    const json = await fetch(`${url()}/v1/payment_intents`, { method: 'POST', headers, body: '{}' });
    expect(json.status).toBe(400);
    expect(await moneyEffects()).toEqual(['intent_created']);
  });
});

describe('the page for people', () => {
  test('shows payments and escapes what callers wrote', async () => {
    const { create, url } = await setup();
    await create({ booking_id: '<script>alert(1)</script>' });
    const html = await (await fetch(`${url()}/`)).text();
    expect(html).toContain('intent_created');
    expect(html).not.toContain('<script>');
  });
});
