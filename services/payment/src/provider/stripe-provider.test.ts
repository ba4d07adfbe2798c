import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase } from '@holdfast/shared/testing/test-database';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Provider } from './provider.ts';
import { createStripeProvider } from './stripe-provider.ts';

/** A provider whose every answer the test decides; what it was asked is kept. */
let answer: (req: IncomingMessage, res: ServerResponse) => void;
let asked: { method: string; url: string; key: string | undefined; body: string }[] = [];
const server = createServer((req, res) => {
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    const key = req.headers['idempotency-key'];
    asked.push({ method: req.method ?? '', url: req.url ?? '', key: Array.isArray(key) ? key[0] : key, body });
    answer(req, res);
  });
});
let provider: Provider;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider = createStripeProvider({
    apiKey: 'sk_test_12345678',
    apiBase: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timeoutMs: 200,
    concurrency: 2,
  });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  asked = [];
});

const reply = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  answer = (_req, res) =>
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const intent = (change: object = {}) => ({
  id: 'pi_1',
  object: 'payment_intent',
  status: 'requires_capture',
  amount: 4_500,
  amount_capturable: 4_500,
  amount_received: 0,
  currency: 'eur',
  metadata: {},
  ...change,
});
const confirm = () =>
  provider.confirmIntent({ reference: 'pi_1', paymentMethod: 'pm_card_visa', key: 'pay_1/confirm/1' });

describe('a call', () => {
  test('carries our key and is sent once, whatever comes back', async () => {
    reply(500, { error: { type: 'api_error', message: 'down' } });
    await confirm();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: '/v1/payment_intents/pi_1/confirm', key: 'pay_1/confirm/1' });
  });

  test('of each kind goes with the key that it was given', async () => {
    reply(500, { error: { type: 'api_error', message: 'down' } });
    const money = { amount: 4_500n, currency: 'EUR' };
    await provider.createIntent({
      ...money,
      ...{ paymentId: 'pay_1', bookingId: 'bkg_1', description: 'BK1', key: 'pay_1/create' },
    });
    await provider.captureIntent({ ...money, reference: 'pi_1', key: 'pay_1/capture' });
    await provider.cancelIntent({ reference: 'pi_1', key: 'pay_1/cancel' });
    await provider.refund({
      ...{ reference: 'pi_1', refundId: 'ref_1', paymentId: 'pay_1', amount: 4_500n, key: 'ref_1' },
    });
    expect(asked.map(({ key }) => key)).toEqual(['pay_1/create', 'pay_1/capture', 'pay_1/cancel', 'ref_1']);
  });

  test('makes an intent for later capture that names booking and payment', async () => {
    reply(200, intent({ status: 'requires_payment_method' }));
    await provider.createIntent({
      paymentId: 'pay_1',
      bookingId: 'bkg_1',
      description: 'BK1',
      amount: 4_500n,
      currency: 'EUR',
      key: 'pay_1/create',
    });
    const body = new URLSearchParams(asked[0]!.body);
    expect(Object.fromEntries(body)).toMatchObject({
      amount: '4500',
      currency: 'eur',
      capture_method: 'manual',
      'metadata[booking_id]': 'bkg_1',
      'metadata[payment_id]': 'pay_1',
    });
    expect(body.has('confirm')).toBe(false);
  });

  test('beyond the bulkhead is put off instead of queued', async () => {
    const waiting: ServerResponse[] = [];
    answer = (_req, res) => waiting.push(res);
    const calls = [confirm(), confirm()];
    expect(await confirm()).toMatchObject({ kind: 'later', reason: 'provider_busy' });
    await Promise.all(calls);
  });
});

describe('an answer', () => {
  test('is read into our own terms', async () => {
    reply(200, intent());
    expect(await confirm()).toEqual({
      kind: 'ok',
      value: expect.objectContaining({
        reference: 'pi_1',
        status: 'authorised',
        amountCapturable: 4_500n,
        currency: 'EUR',
      }),
    });
  });

  test.each([
    [
      'declined',
      402,
      { type: 'card_error', code: 'card_declined', decline_code: 'stolen_card', charge: 'ch_1' },
      { kind: 'declined', reason: 'stolen_card', charge: 'ch_1' },
    ],
    [
      'declined without more',
      402,
      { type: 'card_error', code: 'card_declined' },
      { kind: 'declined', reason: 'card_declined', charge: null },
    ],
    [
      'refused',
      400,
      { type: 'invalid_request_error', code: 'resource_missing' },
      { kind: 'refused', reason: 'resource_missing' },
    ],
    [
      'absent',
      404,
      { type: 'invalid_request_error', code: 'resource_missing' },
      { kind: 'refused', reason: 'resource_missing' },
    ],
    [
      'in another state',
      400,
      { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' },
      { kind: 'wrong_state' },
    ],
    [
      'already refunded',
      400,
      { type: 'invalid_request_error', code: 'charge_already_refunded' },
      { kind: 'wrong_state' },
    ],
    [
      'about other parameters under this key',
      400,
      { type: 'idempotency_error' },
      { kind: 'unknown', reason: 'idempotency_error' },
    ],
    [
      'busy with this key',
      409,
      { type: 'idempotency_error', code: 'idempotency_key_in_use' },
      { kind: 'later', reason: 'key_in_use' },
    ],
    ['not for our credentials', 401, { type: 'invalid_request_error' }, { kind: 'later', reason: 'credentials' }],
    ['an error over there', 500, { type: 'api_error' }, { kind: 'unknown', reason: 'http_500' }],
    ['an error in between', 503, { type: 'api_error' }, { kind: 'unknown', reason: 'http_503' }],
  ])('%s', async (_name, status, error, expected) => {
    reply(status, { error: { message: 'told for a person', ...error } });
    expect(await confirm()).toMatchObject(expected);
  });

  test('429 is put off for as long as it says', async () => {
    reply(429, { error: { type: 'invalid_request_error', message: 'slow down' } }, { 'retry-after': '7' });
    expect(await confirm()).toEqual({ kind: 'later', delayMs: 7_000, reason: 'rate_limited' });
  });

  test.each([
    ['cut off', (_req: IncomingMessage, res: ServerResponse) => res.destroy()],
    ['too late', () => undefined],
    ['no JSON', (_req: IncomingMessage, res: ServerResponse) => res.writeHead(200).end('<html>')],
    ['no intent', (_req: IncomingMessage, res: ServerResponse) => res.writeHead(200).end('{"object":"charge"}')],
    [
      'in a status of another time',
      (_req: IncomingMessage, res: ServerResponse) =>
        res.writeHead(200).end(JSON.stringify(intent({ status: 'requires_prayer' }))),
    ],
  ])('that is %s leaves the outcome unknown', async (_name, how) => {
    answer = (req, res) => void how(req, res);
    expect(await confirm()).toMatchObject({ kind: 'unknown' });
  });
});

describe('inside a transaction', () => {
  test('nothing is called', async () => {
    const database = await createTestDatabase();
    const logger = createLogger({ service: 'payment-test', level: 'silent' });
    const pool = createPool({
      connectionString: database.url('payment'),
      schema: 'payment',
      logger,
      applicationName: 'payment-test',
    });
    try {
      reply(200, intent());
      await expect(withTransaction(pool, () => confirm())).rejects.toThrow('inside a database transaction');
      expect(asked).toEqual([]);
      await withTransaction(pool, async (tx) => tx.query('select 1'));
      expect(await confirm()).toMatchObject({ kind: 'ok' });
    } finally {
      await pool.end();
      await database.drop();
    }
  });
});
