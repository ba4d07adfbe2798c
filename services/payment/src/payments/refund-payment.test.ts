import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { payment as paymentSchema, refund as refundSchema } from '@holdfast/shared/contracts/payments';
import type { Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { until } from '@holdfast/shared/testing/until';
import type { Checkout } from '../testing/booking-side.ts';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
}, 60_000);
afterAll(() => world.stop(), 30_000);

const operator: Partial<Caller> = { userId: newId('usr'), role: 'operator' };
const REASON = 'the heating failed';

/** A captured payment of 45.00 EUR. */
async function captured(): Promise<Checkout> {
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_card_visa');
  await checkout.answer('authorised');
  await checkout.capture();
  await checkout.answer('captured');
  return checkout;
}

async function refund(
  paymentId: string,
  body: unknown,
  { key = newId('req'), caller = operator }: { key?: string | null; caller?: Partial<Caller> } = {},
) {
  const response = await world.post(service, `/v1/payments/${paymentId}/refunds`, { caller, key, body });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as { code?: string } };
}

async function read(checkout: Checkout) {
  const response = await world.get(service, `/v1/payments/${checkout.paymentId}`, operator);
  return paymentSchema.parse(await response.json());
}

function untilStatus(checkout: Checkout, status: string) {
  return until(`status ${status}`, async () => {
    const payment = await read(checkout);
    return payment.status === status ? payment : null;
  });
}

async function refundsAtProvider(checkout: Checkout): Promise<number> {
  return (await world.effects(checkout)).filter((kind) => kind === 'refunded').length;
}

describe('an operator', () => {
  test('pays back in parts, up to what was captured and not a cent further', async () => {
    const checkout = await captured();
    const first = await refund(checkout.paymentId, { amount: 1_500, reason: REASON });
    expect(first.status).toBe(201);
    expect(refundSchema.strict().parse(first.body)).toMatchObject({
      payment_id: checkout.paymentId,
      status: 'PENDING',
      amount: 1_500,
      currency: 'EUR',
      reason: REASON,
    });
    await untilStatus(checkout, 'PARTIALLY_REFUNDED');
    const tooMuch = await refund(checkout.paymentId, { amount: 3_001, reason: REASON });
    expect([tooMuch.status, tooMuch.body.code]).toEqual([409, 'refund_exceeds_captured']);
    await refund(checkout.paymentId, { amount: 3_000, reason: REASON });
    const after = await untilStatus(checkout, 'REFUNDED');
    expect(after.refunds.map(({ amount, status }) => [amount, status])).toEqual([
      [1_500, 'SUCCEEDED'],
      [3_000, 'SUCCEEDED'],
    ]);
    const nothingLeft = await refund(checkout.paymentId, { amount: 1, reason: REASON });
    expect([nothingLeft.status, nothingLeft.body.code]).toEqual([409, 'refund_exceeds_captured']);
    expect(await refundsAtProvider(checkout)).toBe(2);
  });

  test('gets one refund and one answer for one key, and no key is burnt by a refusal', async () => {
    const checkout = await captured();
    const key = newId('req');
    const refused = await refund(checkout.paymentId, { amount: 9_000, reason: REASON }, { key });
    expect(refused.status).toBe(409);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => refund(checkout.paymentId, { amount: 1_000, reason: REASON }, { key })),
    );
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 201));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(7);
    const reused = await refund(checkout.paymentId, { amount: 1_001, reason: REASON }, { key });
    expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused']);
    await untilStatus(checkout, 'PARTIALLY_REFUNDED');
    expect(await refundsAtProvider(checkout)).toBe(1);
  });

  test('cannot pay back more than was captured by asking many times at once', async () => {
    const checkout = await captured();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => refund(checkout.paymentId, { amount: 2_000, reason: REASON })),
    );
    expect(answers.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([201, 201, 409, 409, 409, 409]);
  });

  test('leaves to the saga what is left, and what is left of nothing is done at once', async () => {
    const partly = await captured();
    await refund(partly.paymentId, { amount: 1_500, reason: REASON });
    await partly.refund(4_500);
    await untilStatus(partly, 'REFUNDED');
    expect((await read(partly)).refunds.map(({ amount }) => amount).sort((a, b) => a - b)).toEqual([1_500, 3_000]);

    const wholly = await captured();
    await refund(wholly.paymentId, { amount: 4_500, reason: REASON });
    await untilStatus(wholly, 'REFUNDED');
    const ofSaga = await wholly.refund(4_500);
    await until('the answer to the saga', async () => {
      const { rows } = await world.pool.query<{ amount: number }>(
        `select (payload::jsonb -> 'data' ->> 'amount')::int as amount
           from outbox
          where ordering_key = $1
            and payload::jsonb -> 'data' ->> 'refund_id' = $2`,
        [wholly.bookingId, ofSaga],
      );
      return rows[0]?.amount === 0;
    });
    expect(await refundsAtProvider(wholly)).toBe(1);
  });
});

describe('a refund is refused', () => {
  let checkout: Checkout;
  beforeAll(async () => {
    checkout = await captured();
  });

  test.each([
    ['of zero', { amount: 0, reason: REASON }, 422, 'refund_amount_invalid'],
    [
      'of zero in its currency',
      { amount: { amount: 0, currency: 'EUR' }, reason: REASON },
      422,
      'refund_amount_invalid',
    ],
    ['of less', { amount: -1, reason: REASON }, 422, 'refund_amount_invalid'],
    ['of too much', { amount: 4_501, reason: REASON }, 409, 'refund_exceeds_captured'],
    ['of all there is', { amount: Number.MAX_SAFE_INTEGER, reason: REASON }, 409, 'refund_exceeds_captured'],
    [
      'in another currency',
      { amount: { amount: 100, currency: 'USD' }, reason: REASON },
      422,
      'refund_currency_mismatch',
    ],
    ['of a fraction', { amount: 1.5, reason: REASON }, 422, 'validation_failed'],
    ['of a text', { amount: '100', reason: REASON }, 422, 'validation_failed'],
    ['in no currency', { amount: { amount: 100, currency: 'eur' }, reason: REASON }, 422, 'validation_failed'],
    ['with a field that nobody knows', { amount: 100, currency: 'EUR', reason: REASON }, 422, 'validation_failed'],
    ['without a reason', { amount: 100 }, 422, 'validation_failed'],
  ])('%s', async (_, body, status, code) => {
    const answer = await refund(checkout.paymentId, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await read(checkout)).refunds).toEqual([]);
  });

  test('to whoever may not, and for what is not there', async () => {
    const body = { amount: 100, reason: REASON };
    const owner: Partial<Caller> = { userId: checkout.userId, role: 'customer' };
    const { paymentId } = checkout;
    expect((await refund(paymentId, body, { caller: owner })).body.code).toBe('forbidden');
    expect((await refund(paymentId, body, { caller: {} })).status).toBe(401);
    expect((await refund(newId('pay'), body)).body.code).toBe('not_found');
    expect((await refund('pay_x', body)).body.code).toBe('not_found');
    expect((await refund(paymentId, body, { key: null })).body.code).toBe('idempotency_key_missing');
    expect((await read(checkout)).refunds).toEqual([]);
  });

  test('while nothing was captured', async () => {
    const open = world.booking.checkout();
    await open.authorise('pm_card_visa');
    await open.answer('authorised');
    expect((await refund(open.paymentId, { amount: 1, reason: REASON })).body.code).toBe('refund_exceeds_captured');
  });
});
