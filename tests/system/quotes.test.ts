import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { createApiClient } from '../support/api-client.ts';
import { postUntilAnswered } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** G10: whatever is away, there is an answer within this time. */
const LIMIT_MS = 3_000;

let stack: Stack;
/** Between booking and the quoter, so that it can hang. */
let wire: TcpProxy;
let ada: Customer;
let admin: Customer;

beforeAll(async () => {
  stack = await startStack({
    parts: ['provider', 'gateway', 'booking', 'payment', 'quoter'],
    env: {
      booking: {
        HOLDFAST_PLATFORM_FEE_BASIS_POINTS: '250',
        HOLDFAST_PLATFORM_FEE_PER_BOOKING: 'EUR:50',
        HOLDFAST_MAX_HOLDS_PER_USER: '100',
      },
    },
  });
  wire = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(stack.url('quoter')).port) });
  await stack.restart('booking', { HOLDFAST_QUOTER_URL: `http://127.0.0.1:${wire.port}/quotes` });
  [ada, admin] = await Promise.all([signUp(stack), signInAdmin(stack)]);
}, 60_000);
afterEach(async () => {
  wire.heal();
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
});
afterAll(async () => {
  wire?.stop();
  await stack?.stop();
});

const quotedEvent = (fallback: 'list' | 'refuse', capacity = 10) =>
  makePoolEvent(admin.api, { capacity, amount: 1_000, event: { pricing: 'quoted', quote_fallback: fallback } });

async function hold(eventId: string, quantity = 1) {
  const startedAt = performance.now();
  const answer = await ada.api.post<BookingJson & { code?: string; reason?: string }>('/v1/bookings', {
    event_id: eventId,
    quantity,
  });
  return { ...answer, ms: performance.now() - startedAt };
}

describe('an event with quoted prices', () => {
  test('gets dearer as it fills, and what is paid is the quoted price with the fee', async () => {
    const event = await quotedEvent('refuse');
    const [first, second] = [await hold(event, 4), await hold(event, 4)];
    // 20 % on top for four of ten places, 40 % for eight; then 2.5 % and 0.50.
    expect([first.body.price.amount, second.body.price.amount]).toEqual([4_800 + 170, 5_600 + 190]);
    expect(second.body.price.lines.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['place', 5_600],
      ['fee', 190],
    ]);
    const paid = await postUntilAnswered<BookingJson>(ada.api, `/v1/bookings/${second.body.id}/pay`, {
      payment_method: 'pm_card_visa',
    });
    expect(paid.status).toBe(200);
    const payments = await ada.api.get<{ data: { amount: number }[] }>(`/v1/payments?booking_id=${second.body.id}`);
    expect(payments.body.data[0]!.amount).toBe(5_790);
  });

  test('cannot be held once the quoter does not offer it', async () => {
    const event = await quotedEvent('list');
    await createApiClient(stack.url('quoter')).send('PUT', `/closed-events/${event}`, {
      headers: { 'content-type': 'application/json' },
      body: '{"reason":"route_closed"}',
    });
    const refused = await hold(event);
    expect(refused).toMatchObject({ status: 409, body: { code: 'no_longer_offered', reason: 'route_closed' } });
  });
});

describe('while the quoter hangs', () => {
  test('the event’s own rule decides within the time that a hold may take, and nobody else waits', async () => {
    const [lenient, strict, listed] = [
      await quotedEvent('list'),
      await quotedEvent('refuse'),
      await makePoolEvent(admin.api),
    ];
    wire.freeze();
    const asked = [hold(lenient), hold(strict)];
    const beside = await Promise.all(Array.from({ length: 20 }, () => hold(listed)));
    expect(beside.map(({ status }) => status)).toEqual(beside.map(() => 201));
    expect(Math.max(...beside.map(({ ms }) => ms))).toBeLessThan(1_500);

    const [atListPrice, refused] = await Promise.all(asked);
    expect(atListPrice).toMatchObject({ status: 201, body: { price: { amount: 1_000 + 75 } } });
    expect(refused).toMatchObject({ status: 503, body: { code: 'quote_unavailable' } });
    expect(refused!.headers.get('retry-after')).toBe('1');
    expect(Math.max(atListPrice!.ms, refused!.ms)).toBeLessThan(LIMIT_MS);
  });
});
