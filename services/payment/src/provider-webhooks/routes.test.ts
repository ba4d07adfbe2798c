import { createHash, createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ASSERTION_HEADER, signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import pg from 'pg';
import { testCaller } from '../testing/callback-door.ts';
import {
  FORMER_WEBHOOK_SECRET,
  INTERNAL_SECRET,
  openPaymentWorld,
  WEBHOOK_SECRET,
  type PaymentWorld,
} from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
}, 60_000);
afterAll(() => world.stop(), 30_000);

interface Sending {
  readonly secret?: string;
  readonly ageSeconds?: number;
  readonly headers?: Record<string, string | undefined>;
  readonly caller?: Partial<Caller> | null;
  readonly path?: string;
}

/** Sends a callback as the gateway forwards it, signed unless told otherwise. */
async function send(
  body: string | Buffer,
  sending: Sending = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const t = Math.floor(Date.now() / 1000) - (sending.ageSeconds ?? 0);
  const v1 = createHmac('sha256', sending.secret ?? WEBHOOK_SECRET)
    .update(`${t}.`)
    .update(body)
    .digest('hex');
  const headers: Record<string, string | undefined> = {
    'content-type': 'application/json',
    'stripe-signature': `t=${t},v1=${v1}`,
    ...(sending.caller === null
      ? {}
      : { [ASSERTION_HEADER]: signAssertion(INTERNAL_SECRET, testCaller(sending.caller)) }),
    ...sending.headers,
  };
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const response = await fetch(`${service.url}${sending.path ?? '/v1/webhooks/stripe'}`, {
    method: 'POST',
    headers: Object.fromEntries(given),
    body,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A genuine signature of `text`, of now. */
function signatureOf(text: string): string {
  const t = Math.floor(Date.now() / 1000);
  return `t=${t},v1=${createHmac('sha256', WEBHOOK_SECRET).update(`${t}.`).update(text).digest('hex')}`;
}

const event = (change: object = {}) => ({
  id: `evt_${randomUUID()}`,
  object: 'event',
  type: 'customer.created',
  data: { object: { id: 'cus_1', object: 'customer' } },
  ...change,
});

const intentEvent = (paymentId: string, intent: object, type = 'payment_intent.amount_capturable_updated') =>
  event({
    type,
    data: {
      object: {
        id: `pi_${randomUUID()}`,
        object: 'payment_intent',
        status: 'requires_capture',
        amount: 4_500,
        amount_capturable: 4_500,
        amount_received: 0,
        currency: 'eur',
        metadata: { payment_id: paymentId },
        ...intent,
      },
    },
  });

async function stored(eventId: string) {
  const { rows } = await world.pool.query<{
    body: Buffer;
    state: string;
    result: string | null;
    headers: Record<string, string>;
  }>('select body, state, result, headers from provider_events where event_id = $1', [eventId]);
  return rows;
}
const countStored = async () => {
  const { rows } = await world.pool.query<{ count: number }>('select count(*)::int as count from provider_events');
  return rows[0]!.count;
};

describe('a genuine callback', () => {
  test('is answered once it is stored, byte for byte, of an unknown type too', async () => {
    const sent = event({ note: 'ümlaut   and spacing' });
    const body = Buffer.from(JSON.stringify(sent, null, 3));
    expect(await send(body)).toEqual({ status: 200, body: { received: true } });
    const [row] = await stored(sent.id);
    expect(createHash('sha256').update(row!.body).digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
    expect(Object.keys(row!.headers)).toContain('stripe-signature');
    await until('set aside', async () => (await stored(sent.id))[0]!.state === 'IGNORED');
  });

  test('is taken with the secret before the current one', async () => {
    expect((await send(JSON.stringify(event()), { secret: FORMER_WEBHOOK_SECRET })).status).toBe(200);
  });

  test('that comes again, also many times at once, is answered alike and stored once', async () => {
    const sent = event();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(JSON.stringify(sent))));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(await stored(sent.id)).toHaveLength(1);
  });

  test('of nearly 1 MiB is taken, and a larger one is not', async () => {
    const sent = event({ padding: '' });
    const room = 1024 * 1024 - JSON.stringify(sent).length;
    expect((await send(JSON.stringify({ ...sent, padding: 'x'.repeat(room) }))).status).toBe(200);
    const larger = await send(JSON.stringify({ ...event(), padding: 'x'.repeat(room + 1_000) }));
    expect([larger.status, larger.body['code']]).toEqual([413, 'payload_too_large']);
  });
});

describe('a callback that is refused', () => {
  const body = JSON.stringify(event());
  test.each<[string, string | Buffer, Sending, number, string]>([
    ['without a signature', body, { headers: { 'stripe-signature': undefined } }, 400, 'signature_missing'],
    ['with a signature of nobody', body, { secret: 'whsec_of_somebody_else' }, 400, 'signature_invalid'],
    [
      'with a timestamp that is no number',
      body,
      { headers: { 'stripe-signature': 't=abc,v1=00' } },
      400,
      'signature_invalid',
    ],
    ['that is too old', body, { ageSeconds: 302 }, 400, 'timestamp_out_of_tolerance'],
    ['from the future', body, { ageSeconds: -302 }, 400, 'timestamp_out_of_tolerance'],
    [
      'cut short after it was signed',
      body.slice(0, -10),
      { headers: { 'stripe-signature': signatureOf(body) } },
      400,
      'signature_invalid',
    ],
    [
      'that was written anew, with other spacing, after it was signed',
      JSON.stringify(JSON.parse(body), null, 2),
      { headers: { 'stripe-signature': signatureOf(body) } },
      400,
      'signature_invalid',
    ],
    [
      'that has a byte order mark before it',
      `\ufeff${body}`,
      { headers: { 'stripe-signature': signatureOf(body) } },
      400,
      'signature_invalid',
    ],
    ['that is binary', Buffer.from([0, 255, 254, 0, 1, 2, 3, 128]), {}, 400, 'malformed'],
    ['whose id has a NUL', JSON.stringify(event({ id: 'evt_\u0000' })), {}, 400, 'malformed'],
    [
      'with a signature in capitals',
      body,
      { headers: { 'stripe-signature': signatureOf(body).toUpperCase() } },
      400,
      'signature_invalid',
    ],
    [
      'with a signature of an older scheme alone',
      body,
      { headers: { 'stripe-signature': signatureOf(body).replace('v1=', 'v0=') } },
      400,
      'signature_invalid',
    ],
    ['that is no JSON', 'not json', {}, 400, 'malformed'],
    ['that is no event', '[]', {}, 400, 'malformed'],
    ['that is empty', '', {}, 400, 'malformed'],
    ['from elsewhere', body, { caller: { address: '203.0.113.9' } }, 403, 'source_not_allowed'],
    [
      'from elsewhere and unsigned: the source comes first',
      body,
      { caller: { address: '203.0.113.9' }, headers: { 'stripe-signature': undefined } },
      403,
      'source_not_allowed',
    ],
    ['for a provider that we do not have', body, { path: '/v1/webhooks/adyen' }, 404, 'not_found'],
    ['around the gateway', body, { caller: null }, 401, 'unauthenticated'],
    ['compressed', body, { headers: { 'content-encoding': 'gzip' } }, 415, 'unsupported_media_type'],
  ])('%s leaves no trace', async (_name, text, sending, status, code) => {
    const before = await countStored();
    const answer = await send(text, sending);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(await countStored()).toBe(before);
  });

  test('because it cannot be stored is one for the provider to send again', async () => {
    const admin = new pg.Client({ connectionString: world.database.adminUrl });
    await admin.connect();
    const sent = JSON.stringify(event());
    try {
      await admin.query('begin');
      await admin.query('lock table payment.provider_events in exclusive mode');
      const startedAt = performance.now();
      const answer = await send(sent);
      expect([answer.status, answer.body['code']]).toEqual([503, 'dependency_unavailable']);
      expect(performance.now() - startedAt).toBeLessThan(3_000);
    } finally {
      await admin.query('rollback');
      await admin.end();
    }
    expect((await send(sent)).status).toBe(200);
  });
});

describe('what a callback tells', () => {
  test('has one effect when two different events tell it', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_card_visa');
    await checkout.answer('authorised');
    const reference = await referenceOf(checkout.paymentId);
    const twins = [0, 1].map(() => intentEvent(checkout.paymentId, { id: reference }));
    await Promise.all(twins.map((twin) => send(JSON.stringify(twin))));
    for (const twin of twins) await until('applied', async () => (await stored(twin.id))[0]!.state === 'APPLIED');
    expect(checkout.names()).toEqual(['authorised']);
  });

  test('is quarantined when it is not about our amount or currency', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_card_authenticationRequired');
    await checkout.answer('requires_action');
    const id = await referenceOf(checkout.paymentId);
    const wrong = intentEvent(checkout.paymentId, { id, amount_capturable: 4_501 });
    await send(JSON.stringify(wrong));
    await until('applied', async () => (await stored(wrong.id))[0]!.result === 'mismatch');
    const late = intentEvent(checkout.paymentId, { id, amount_received: 4_500, status: 'succeeded' });
    await send(JSON.stringify(late));
    await until('applied', async () => (await stored(late.id))[0]!.state === 'APPLIED');
    const { rows } = await world.pool.query('select status, mismatch, captured_amount from payments where id = $1', [
      checkout.paymentId,
    ]);
    expect(rows[0]).toEqual({
      status: 'UNKNOWN',
      mismatch: 'authorised 4501 EUR instead of 4500 EUR',
      captured_amount: 0n,
    });
    expect(checkout.names()).not.toContain('authorised');
    expect(checkout.names()).not.toContain('captured');
  });
});

async function referenceOf(paymentId: string): Promise<string> {
  const { rows } = await world.pool.query<{ provider_reference: string }>(
    'select provider_reference from payments where id = $1',
    [paymentId],
  );
  return rows[0]!.provider_reference;
}
