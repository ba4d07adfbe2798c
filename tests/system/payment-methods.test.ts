import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { until } from '@holdfast/shared/testing/until';
import type { Answer, ApiClient } from '../support/api-client.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

let stack: Stack;
let admin: ApiClient;
let ada: Customer;
let pool: string;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  admin = (await signInAdmin(stack)).api;
  ada = await signUp(stack);
  pool = await makePoolEvent(admin, { capacity: 100, amount: 1500 });
}, 60_000);
afterEach(async () => {
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
afterAll(() => stack?.stop());

type PaidOrNot = BookingJson & { code?: string; decline_reason?: string };

async function hold(event = pool): Promise<string> {
  const held = await ada.api.post<BookingJson>('/v1/bookings', { event_id: event, quantity: 2 });
  expect(held.status).toBe(201);
  return held.body.id;
}

const pay = (id: string, method: string, key?: string): Promise<Answer<PaidOrNot>> =>
  ada.api.post<PaidOrNot>(`/v1/bookings/${id}/pay`, { payment_method: method }, key === undefined ? {} : { key });

const read = async (id: string) => (await ada.api.get<BookingJson>(`/v1/bookings/${id}`)).body;

async function moneyOf(id: string): Promise<string[]> {
  const effects = await readEffects(stack.url('provider'), id);
  return effects.map(({ kind }) => kind).filter((kind) => kind !== 'callback_sent');
}

describe('a declined card', () => {
  test('leaves the hold, and another card pays', async () => {
    const id = await hold();

    const declined = await pay(id, 'pm_card_chargeDeclined', 'first-card');
    expect(declined.status).toBe(402);
    expect(declined.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(declined.body).toMatchObject({ code: 'payment_declined', decline_reason: 'generic_decline' });
    expect(await read(id)).toMatchObject({ status: 'HELD', payment: { status: 'DECLINED' } });
    // The same key is the same attempt, however often it comes.
    const again = await pay(id, 'pm_card_chargeDeclined', 'first-card');
    expect([again.status, again.text]).toEqual([402, declined.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');

    const paid = await pay(id, 'pm_card_visa');
    expect([paid.status, paid.body.status]).toEqual([200, 'CONFIRMED']);
    expect(await moneyOf(id)).toEqual(['intent_created', 'declined', 'authorised', 'captured']);
    const twice = await pay(id, 'pm_card_visa');
    expect([twice.status, twice.body.code]).toEqual([409, 'already_paid']);
  });

  test('for the third time ends the booking as FAILED, and its places are free', async () => {
    const id = await hold();
    const before = await available();

    for (const attempt of [1, 2, 3]) {
      const declined = await pay(id, 'pm_card_chargeDeclined');
      expect([declined.status, declined.body.code]).toEqual([402, 'payment_declined']);
      expect(await read(id)).toMatchObject({
        status: attempt === 3 ? 'FAILED' : 'HELD',
        payment: { attempt, status: 'DECLINED' },
      });
    }

    expect(await available()).toBe(before + 2);
    const fourth = await pay(id, 'pm_card_visa');
    expect([fourth.status, fourth.body.code]).toEqual([409, 'not_payable']);
    const payments = await ada.api.get<{ data: { attempts: { status: string }[] }[] }>(`/v1/payments?booking_id=${id}`);
    expect(payments.body.data[0]!.attempts.map(({ status }) => status)).toEqual(['DECLINED', 'DECLINED', 'DECLINED']);
  });
});

async function available(event = pool): Promise<number> {
  const { body } = await ada.api.get<{ counts: { available: number } }>(`/v1/events/${event}/availability`);
  return body.counts.available;
}

test('an authorisation whose answer is lost is found out about, and captured once', async () => {
  const id = await hold();
  const answer = await pay(id, 'pm_sim_timeout_applied', 'lost-answer');
  if (answer.status === 202) {
    expect(['UNKNOWN', 'PENDING', 'PROCESSING', 'AUTHORIZED']).toContain(answer.body.payment?.status);
  }
  await stack.database.advanceClock(20_000);
  const final = await answered(id, 'pm_sim_timeout_applied', 'lost-answer');
  expect([final.status, final.body.status]).toEqual([200, 'CONFIRMED']);
  expect(await moneyOf(id)).toEqual(['intent_created', 'authorised', 'captured']);
}, 30_000);

describe('a card that wants its owner', () => {
  /** Pays, follows the link of the answer and presses a button on the provider's page. */
  async function press(id: string, outcome: 'approve' | 'refuse'): Promise<void> {
    const waiting = await pay(id, 'pm_card_authenticationRequired', `owner-${outcome}`);
    expect([waiting.status, waiting.body.payment?.status]).toEqual([202, 'REQUIRES_ACTION']);
    const page = waiting.body.payment!.next_action!.redirect_url;
    expect((await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome }) })).ok).toBe(true);
  }

  test('is asked on the page of the provider, and the booking is confirmed when they approve', async () => {
    const id = await hold();
    await press(id, 'approve');
    const final = await answered(id, 'pm_card_authenticationRequired', 'owner-approve');
    expect([final.status, final.body.status]).toEqual([200, 'CONFIRMED']);
  });

  test('is declined when they refuse, and the hold stays', async () => {
    const id = await hold();
    await press(id, 'refuse');
    const final = await answered(id, 'pm_card_authenticationRequired', 'owner-refuse');
    expect([final.status, final.body.code]).toEqual([402, 'payment_declined']);
    expect((await read(id)).status).toBe('HELD');
  });
});

test.each([
  'pm_sim_500_applied',
  'pm_sim_webhook_never',
  'pm_sim_webhook_duplicate',
  'pm_sim_webhook_reordered',
  'pm_sim_late_success_1',
])(
  '%s ends CONFIRMED with one capture',
  async (method) => {
    const id = await hold();
    await pay(id, method, method);
    await stack.database.advanceClock(20_000);
    const final = await answered(id, method, method);
    expect([final.status, final.body.status]).toEqual([200, 'CONFIRMED']);
    expect((await moneyOf(id)).filter((kind) => kind === 'captured')).toHaveLength(1);
  },
  30_000,
);

test('an operator pays a part back, and the booking stands', async () => {
  const id = await hold();
  await pay(id, 'pm_card_visa');
  const paymentOf = async () => {
    const { body } = await ada.api.get<{ data: { id: string; status: string }[] }>(`/v1/payments?booking_id=${id}`);
    return body.data[0]!;
  };
  const { id: payment } = await paymentOf();
  const path = `/v1/payments/${payment}/refunds`;
  const body = { amount: 1_000, reason: 'a broken seat' };

  const byOwner = await ada.api.post<{ code: string }>(path, body);
  expect([byOwner.status, byOwner.body.code]).toEqual([403, 'forbidden']);
  const refunded = await admin.post<{ status: string; amount: number }>(path, body);
  expect([refunded.status, refunded.body.amount]).toEqual([201, 1_000]);
  await until('the refund to settle', async () => (await paymentOf()).status === 'PARTIALLY_REFUNDED');
  const tooMuch = await admin.post<{ code: string }>(path, { ...body, amount: 2_001 });
  expect([tooMuch.status, tooMuch.body.code]).toEqual([409, 'refund_exceeds_captured']);
  expect(await read(id)).toMatchObject({ status: 'CONFIRMED', refund: null });
});

test('a slow provider is waited for', async () => {
  const id = await hold();
  const paid = await pay(id, 'pm_sim_slow_400');
  expect([paid.status, paid.body.status]).toEqual([200, 'CONFIRMED']);
});

test('a provider slower than the answer may wait: 202, and the same key gets the outcome', async () => {
  const id = await hold();
  const waiting = await pay(id, 'pm_sim_slow_3200', 'slow');
  expect(waiting.status).toBe(202);
  expect(waiting.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(waiting.body).toMatchObject({ id, status: 'PAYMENT_INITIATED' });
  // Whoever asks under another key meanwhile is shown the attempt that runs, and starts none.
  const other = await pay(id, 'pm_card_visa');
  expect([other.status, other.body.payment?.attempt]).toEqual([202, 1]);

  const final = await answered(id, 'pm_sim_slow_3200', 'slow');
  expect([final.status, final.body.status]).toEqual([200, 'CONFIRMED']);
  expect(final.headers.get('idempotent-replayed')).toBe('true');
}, 30_000);

test('an outcome that comes by callback alone: 202, then CONFIRMED, and the key is upgraded once', async () => {
  const id = await hold();
  const waiting = await pay(id, 'pm_sim_webhook_only_3000', 'callback');
  expect([waiting.status, waiting.body.status, waiting.body.payment?.status]).toEqual([
    202,
    'PAYMENT_INITIATED',
    'PROCESSING',
  ]);
  await until('the callback to confirm the booking', async () => (await read(id)).status === 'CONFIRMED');

  const final = await pay(id, 'pm_sim_webhook_only_3000', 'callback');
  const once = await pay(id, 'pm_sim_webhook_only_3000', 'callback');
  expect([final.status, final.body.status]).toEqual([200, 'CONFIRMED']);
  expect(once.text).toBe(final.text);
}, 30_000);

/** Asks with one key until the answer is final. */
function answered(id: string, method: string, key: string): Promise<Answer<PaidOrNot>> {
  return until(
    'a final answer',
    async () => {
      const answer = await pay(id, method, key);
      return answer.status === 202 ? null : answer;
    },
    20_000,
  );
}

test('a hold that has run out cannot be paid, and its places go to the next', async () => {
  const before = await available();
  const id = await hold();
  await stack.database.advanceClock(601_000);

  const late = await pay(id, 'pm_card_visa');
  expect([late.status, late.body.code]).toEqual([409, 'hold_expired']);
  await until('the hold to expire', async () => (await read(id)).status === 'EXPIRED');
  expect(await available()).toBe(before);
  expect(await moneyOf(id)).toEqual([]);
});

describe('money that comes after the hold has run out', () => {
  /** Pays with a method that takes five seconds, and lets the hold run out meanwhile. */
  async function payTooLate(id: string): Promise<void> {
    const waiting = await pay(id, 'pm_sim_late_success_5', `late-${id}`);
    expect(waiting.status).toBe(202);
    await stack.database.advanceClock(1_801_000);
  }

  test('takes the same places again, and is captured once', async () => {
    // An event of its own: the clock runs past the holds that other tests left in the shared one.
    const event = await makePoolEvent(admin, { capacity: 10, amount: 1500 });
    const id = await hold(event);
    await payTooLate(id);
    await until('the late booking to stand', async () => (await read(id)).status === 'CONFIRMED', 30_000);
    expect(await available(event)).toBe(8);
    expect(await moneyOf(id)).toEqual(['intent_created', 'processing', 'authorised', 'captured']);
    const { body } = await ada.api.get<{ data: { to: string }[] }>(`/v1/bookings/${id}/history`);
    expect(body.data.map(({ to }) => to)).toEqual([
      ...['HELD', 'PAYMENT_INITIATED', 'EXPIRED', 'PAYMENT_INITIATED', 'PAID', 'CONFIRMED'],
    ]);
  }, 60_000);

  test('is let go when others have the places: nothing is captured', async () => {
    const small = await makePoolEvent(admin, { capacity: 2, amount: 1500 });
    const held = await ada.api.post<BookingJson>('/v1/bookings', { event_id: small, quantity: 2 });
    const id = held.body.id;
    await payTooLate(id);
    const rival = await until('the places to be free', async () => {
      const answer = await ada.api.post<BookingJson>('/v1/bookings', { event_id: small, quantity: 1 });
      return answer.status === 201 ? answer.body.id : null;
    });
    await untilQuiet(stack);
    expect((await read(id)).status).toBe('EXPIRED');
    expect((await read(rival)).status).toBe('HELD');
    expect(await moneyOf(id)).toEqual(['intent_created', 'processing', 'authorised', 'cancelled']);
  }, 60_000);
});

test('operators see each checkout, and that nothing needs them in any service', async () => {
  const id = await hold();
  await pay(id, 'pm_card_visa');
  const saga = await admin.get<{ state: string }>(`/v1/ops/sagas/${id}`);
  expect([saga.status, saga.body.state]).toEqual([200, 'CONFIRMED']);
  // A jump of the clock may have been seen half-way; what is checked anew is as it is.
  await until('every invariant to be kept', async () => {
    const { status, body } = await admin.post<{ status: string }>('/v1/ops/integrity/run', {});
    expect(status).toBe(200);
    return body.status === 'ok';
  });
  const { status, body } = await admin.get<{ data: unknown[]; counts: object }>('/v1/ops/attention');
  expect([status, body.data, body.counts]).toEqual([200, [], {}]);
  expect((await ada.api.get('/v1/ops/integrity')).status).toBe(403);
  expect((await ada.api.get('/v1/ops/attention')).status).toBe(403);
});

describe('callbacks', () => {
  test.each([
    ['without a signature', {}, 'signature_missing'],
    ['with a false signature', { 'stripe-signature': `t=${Math.floor(Date.now() / 1000)},v1=00` }, 'signature_invalid'],
  ])('%s change nothing', async (_, headers, code) => {
    const answer = await ada.api.send<{ code: string }>('POST', '/v1/webhooks/stripe', {
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ id: 'evt_false', type: 'payment_intent.succeeded', data: { object: {} } }),
    });
    expect([answer.status, answer.body.code]).toEqual([400, code]);
  });
});
