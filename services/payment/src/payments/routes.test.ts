import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { payment as paymentSchema } from '@holdfast/shared/contracts/payments';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import type { Checkout } from '../testing/booking-side.ts';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
let checkout: Checkout;
let owner: Partial<Caller>;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
  checkout = world.booking.checkout();
  owner = { userId: checkout.userId, role: 'customer' };
  await checkout.authorise('pm_card_visa');
  await checkout.answer('authorised');
}, 60_000);
afterAll(() => world.stop(), 30_000);

const stranger: Partial<Caller> = { userId: newId('usr'), role: 'customer' };

async function get(path: string, caller?: Partial<Caller>) {
  const response = await world.get(service, path, caller);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a payment', () => {
  test('is shown to its owner and to staff as the contract describes it', async () => {
    for (const caller of [owner, { ...stranger, role: 'operator' as const }, { ...stranger, role: 'admin' as const }]) {
      const { status, body } = await get(`/v1/payments/${checkout.paymentId}`, caller);
      expect(status).toBe(200);
      expect(paymentSchema.strict().parse(body)).toMatchObject({
        id: checkout.paymentId,
        booking_id: checkout.bookingId,
        status: 'AUTHORIZED',
        amount: 4_500,
        currency: 'EUR',
        provider: 'stripe',
        attempts: [{ number: 1, payment_method: 'pm_card_visa', status: 'AUTHORIZED', decline_reason: null }],
        refunds: [],
      });
    }
  });

  test.each([
    'pay_01kt6x9v7kf1g8y3v2s4c5d6e7',
    'pay_x',
    'PAY_01KT6X9V7KF1G8Y3V2S4C5D6E7',
    '1',
    '-1',
    '%00',
    '..%2f',
    'bkg_01kt6x9v7kf1g8y3v2s4c5d6e7',
  ])('that does not exist is 404: %s', async (id) => {
    expect(await get(`/v1/payments/${id}`, owner)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('of somebody else looks like one that does not exist', async () => {
    const theirs = await get(`/v1/payments/${checkout.paymentId}`, stranger);
    const none = await get(`/v1/payments/${newId('pay')}`, stranger);
    expect({ ...theirs.body, request_id: '' }).toEqual({ ...none.body, request_id: '' });
    expect(theirs.status).toBe(404);
  });

  test('is shown to nobody who is not signed in', async () => {
    expect((await get(`/v1/payments/${checkout.paymentId}`)).status).toBe(401);
  });
});

describe('the payment of a booking', () => {
  test('is a list of one for its owner', async () => {
    const { status, body } = await get(`/v1/payments?booking_id=${checkout.bookingId}`, owner);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'list',
      data: [{ id: checkout.paymentId }],
      has_more: false,
      next_cursor: null,
    });
  });

  test('is an empty list for others, as for a booking that was never paid', async () => {
    for (const path of [`/v1/payments?booking_id=${checkout.bookingId}`, `/v1/payments?booking_id=${newId('bkg')}`])
      expect((await get(path, stranger)).body).toMatchObject({ data: [] });
  });

  test.each([
    ['', 422],
    ['?booking_id=1', 404],
    [`?booking_id=${newId('pay')}`, 404],
    [`?booking_id=${newId('bkg')}&booking_id=${newId('bkg')}`, 422],
    [`?booking_id=${newId('bkg')}&colour=red`, 422],
    [`?booking_id=${newId('bkg')}&limit=0`, 422],
  ])('is asked for with one booking_id: %s', async (query, status) => {
    expect((await get(`/v1/payments${query}`, owner)).status).toBe(status);
  });
});

describe('a message that cannot be understood', () => {
  test('goes to the dead letters and holds up nobody else', async () => {
    const broken = world.booking.checkout();
    await broken.send('authorisation_requested', { attempt: 'first' });
    const other = world.booking.checkout();
    await other.authorise('pm_card_visa');
    await other.answer('authorised');
    const letter = await until('dead letter', async () => {
      const { rows } = await world.pool.query<{ cause: string; error: string }>(
        'select cause, error from dead_letters where ordering_key = $1',
        [broken.bookingId],
      );
      return rows[0];
    });
    expect(letter.cause).toBe('permanent');
    expect(letter.error).toContain('attempt');
  });
});

describe('health and metrics', () => {
  test('tell what works', async () => {
    const health = (await (await fetch(`${service.url}/healthz?verbose=1`)).json()) as {
      checks: Record<string, { status: string }>;
    };
    expect(Object.entries(health.checks).map(([name, check]) => [name, check.status])).toEqual([
      ['postgres', 'ok'],
      ['nats', 'ok'],
      ['provider', 'ok'],
      ['provider_circuit', 'ok'],
    ]);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(
      /holdfast_provider_operation_duration_seconds_count\{[^}]*kind="confirm"[^}]*outcome="authorised"/,
    );
    expect(metrics).toContain('holdfast_provider_webhooks_total');
    expect(metrics).toMatch(/holdfast_provider_circuit_state\{[^}]*state="closed"[^}]*\} 1/);
  });

  test('a provider that is away is a warning and keeps the service ready', async () => {
    const lonely = await world.startPayment({ STRIPE_API_BASE: 'http://127.0.0.1:9' });
    try {
      expect((await fetch(`${lonely.url}/readyz`)).status).toBe(200);
      const health = (await (await fetch(`${lonely.url}/healthz?verbose=1`)).json()) as {
        checks: Record<string, { status: string }>;
      };
      expect(health.checks['provider']?.status).toBe('warn');
    } finally {
      await lonely.kill('SIGTERM');
      world.door.forwardTo(service.url);
    }
  });

  test('a stop is orderly', async () => {
    const leaving = await world.startPayment();
    await leaving.kill('SIGTERM');
    expect(await leaving.exited).toEqual({ code: 0, signal: null });
    world.door.forwardTo(service.url);
  });
});
