import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { payment as paymentSchema } from '@holdfast/shared/contracts/payments';
import type { ServiceProcess } from '@holdfast/shared/testing/service-process';
import { newId } from '@holdfast/shared/ids';
import { until } from '@holdfast/shared/testing/until';
import type { z } from 'zod';
import type { Checkout } from '../testing/booking-side.ts';
import { openPaymentWorld, type PaymentWorld } from '../testing/payment-world.ts';

let world: PaymentWorld;
let service: ServiceProcess;
beforeAll(async () => {
  world = await openPaymentWorld();
  service = await world.startPayment();
}, 60_000);
afterAll(() => world.stop(), 30_000);

/** An authorised checkout. */
async function authorised(paymentMethod = 'pm_card_visa'): Promise<Checkout> {
  const checkout = world.booking.checkout();
  await checkout.authorise(paymentMethod);
  await checkout.answer('authorised');
  return checkout;
}

async function captured(): Promise<Checkout> {
  const checkout = await authorised();
  await checkout.capture();
  await checkout.answer('captured');
  return checkout;
}

async function read(checkout: Checkout): Promise<z.infer<typeof paymentSchema>> {
  const response = await world.get(service, `/v1/payments/${checkout.paymentId}`, {
    userId: checkout.userId,
    role: 'customer',
  });
  expect(response.status).toBe(200);
  return (await response.json()) as z.infer<typeof paymentSchema>;
}

describe('a card that is accepted', () => {
  test('is authorised and captured once, and both are announced with the amount', async () => {
    const checkout = await authorised();
    expect((await checkout.answer('authorised')).data).toMatchObject({
      payment_id: checkout.paymentId,
      attempt: 1,
      amount: 4_500,
      currency: 'EUR',
    });
    await checkout.capture();
    expect((await checkout.answer('captured')).data).toMatchObject({ attempt: 1, amount: 4_500, currency: 'EUR' });
    expect(checkout.names()).toEqual(['authorised', 'captured']);
    expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised', 'captured']);
    expect(await read(checkout)).toMatchObject({ status: 'CAPTURED', attempts: [{ number: 1, status: 'CAPTURED' }] });
  });

  test('is not captured twice when the saga asks again', async () => {
    const checkout = await captured();
    await checkout.capture();
    await checkout.authorise('pm_card_visa');
    const refundId = await checkout.refund(100);
    await checkout.answer('refunded');
    // Each repetition is answered again: the answer may be what got lost.
    expect(checkout.names()).toEqual(['authorised', 'captured', 'captured', 'captured', 'refunded']);
    expect((await world.effects(checkout)).filter((kind) => kind === 'captured')).toHaveLength(1);
    expect((await read(checkout)).refunds.map((refund) => refund.id)).toEqual([refundId]);
  });

  test('goes on without a single callback', async () => {
    world.door.forwardTo(null);
    try {
      const checkout = await captured();
      expect(checkout.names()).toEqual(['authorised', 'captured']);
    } finally {
      world.door.forwardTo(service.url);
    }
  });
});

describe('a card that is declined', () => {
  test('is told with its reason, and another card may be tried on the same intent', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_card_chargeDeclined');
    expect((await checkout.answer('declined')).data).toMatchObject({ attempt: 1, reason: 'generic_decline' });
    await checkout.authorise('pm_card_visa', 2);
    expect((await checkout.answer('authorised')).data).toMatchObject({ attempt: 2 });
    expect((await world.effects(checkout)).filter((kind) => kind === 'intent_created')).toHaveLength(1);
    expect(await read(checkout)).toMatchObject({
      status: 'AUTHORIZED',
      attempts: [
        { number: 1, status: 'DECLINED', decline_reason: 'generic_decline' },
        { number: 2, status: 'AUTHORIZED', decline_reason: null },
      ],
    });
  });

  test('declines a payment method that does not exist', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_no_such_card');
    expect((await checkout.answer('declined')).data).toMatchObject({ reason: 'resource_missing' });
    expect(await world.effects(checkout)).toEqual(['intent_created']);
  });

  test('refuses an attempt beside one that holds money, and leaves that one alone', async () => {
    const checkout = await authorised();
    await checkout.authorise('pm_card_visa', 2);
    expect((await checkout.answer('declined')).data).toMatchObject({ attempt: 2, reason: 'payment_not_open' });
    await checkout.capture(1);
    await checkout.answer('captured');
  });
});

describe('when the answer is lost', () => {
  test.each(['pm_sim_timeout_applied', 'pm_sim_500_applied'])(
    '%s is unknown once, then found to be authorised without a second charge',
    async (paymentMethod) => {
      world.door.forwardTo(null);
      try {
        const checkout = await authorised(paymentMethod);
        expect(checkout.names()).toEqual(['unknown', 'authorised']);
        expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised']);
      } finally {
        world.door.forwardTo(service.url);
      }
    },
  );

  test('a capture whose answer is lost is found to be captured', async () => {
    world.door.forwardTo(null);
    try {
      const checkout = await authorised('pm_sim_timeout_applied_capture');
      await checkout.capture();
      await checkout.answer('captured');
      expect(checkout.names()).toEqual(['authorised', 'unknown', 'captured']);
      expect((await world.effects(checkout)).filter((kind) => kind === 'captured')).toHaveLength(1);
    } finally {
      world.door.forwardTo(service.url);
    }
  });

  test('a confirmation that outlasts the timeout is not sent as a second one', async () => {
    const checkout = await authorised('pm_sim_slow_2500');
    expect(checkout.names()).toEqual(['unknown', 'authorised']);
    expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised']);
  });

  test('a cancellation and a refund whose answers are lost happen once', async () => {
    const cancelled = await authorised('pm_sim_timeout_applied_cancel');
    await cancelled.void();
    const refunded = await authorised('pm_sim_500_applied_refund');
    await refunded.capture();
    await refunded.answer('captured');
    await refunded.refund(4_500);
    await cancelled.answer('voided');
    await refunded.answer('refunded');
    expect(cancelled.names()).toEqual(['authorised', 'voided']);
    expect(refunded.names()).toEqual(['authorised', 'captured', 'refunded']);
    expect((await world.effects(refunded)).filter((kind) => kind === 'refunded')).toHaveLength(1);
  });
});

describe('when the outcome comes later', () => {
  test('processing is told first and the outcome by callback', async () => {
    const checkout = await authorised('pm_sim_webhook_only_200');
    expect(checkout.names()).toEqual(['processing', 'authorised']);
  });

  test('a late decline is told with its reason', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_sim_webhook_only_200_declined');
    expect((await checkout.answer('declined')).data).toMatchObject({ reason: 'generic_decline' });
    expect(checkout.names()).toEqual(['processing', 'declined']);
  });

  test('an outcome that no callback tells is found by looking', async () => {
    const checkout = await authorised('pm_sim_webhook_never');
    expect(checkout.names()).toEqual(['processing', 'authorised']);
  });

  test.each(['pm_sim_webhook_duplicate', 'pm_sim_webhook_reordered'])('%s changes nothing', async (paymentMethod) => {
    const checkout = await authorised(paymentMethod);
    await checkout.capture();
    await checkout.answer('captured');
    // Every callback of this payment has been taken up before it is said that none of them did harm.
    await until('callbacks applied', async () => {
      const { rows } = await world.pool.query<{ applied: number; open: number }>(
        `select count(*) filter (where state = 'APPLIED')::int as applied,
                count(*) filter (where state = 'RECEIVED')::int as open
           from provider_events where payment_id = $1 or state = 'RECEIVED'`,
        [checkout.paymentId],
      );
      return rows[0]!.applied >= 3 && rows[0]!.open === 0;
    });
    expect(checkout.names()).toEqual(['authorised', 'captured']);
  });

  test('a card that wants its owner is sent to the page of the provider', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_card_authenticationRequired');
    const { data } = await checkout.answer('requires_action');
    expect((data as { redirect_url: string }).redirect_url).toContain(world.simulator.url);
    expect((await read(checkout)).status).toBe('REQUIRES_ACTION');
    await checkout.void();
    await checkout.answer('voided');
    expect(checkout.names()).toEqual(['requires_action', 'voided']);
  });
});

describe('the page of the provider', () => {
  /** A checkout whose customer has pressed a button there. */
  async function pressed(outcome: 'approve' | 'refuse'): Promise<Checkout> {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_card_authenticationRequired');
    const { data } = await checkout.answer('requires_action');
    const page = (data as { redirect_url: string }).redirect_url;
    expect((await fetch(page)).status).toBe(200);
    expect((await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome }) })).ok).toBe(true);
    return checkout;
  }

  test('resumes the payment when its owner approves', async () => {
    const checkout = await pressed('approve');
    await checkout.answer('authorised');
    await checkout.capture();
    await checkout.answer('captured');
    expect(checkout.names()).toEqual(['requires_action', 'authorised', 'captured']);
  });

  test('declines it when the owner refuses, and another card may be tried', async () => {
    const checkout = await pressed('refuse');
    await checkout.answer('declined');
    await checkout.authorise('pm_card_visa', 2);
    await checkout.answer('authorised');
    expect(checkout.names()).toEqual(['requires_action', 'declined', 'authorised']);
  });
});

test('an authorisation that comes when the saga has given up is cancelled, and nothing is captured', async () => {
  const checkout = world.booking.checkout();
  await checkout.authorise('pm_sim_late_success_1');
  await checkout.answer('processing');
  await checkout.void();
  await checkout.answer('voided');
  expect(checkout.names()).toEqual(['processing', 'voided']);
  expect(await world.effects(checkout)).toEqual(['intent_created', 'processing', 'authorised', 'cancelled']);
});

describe('when the saga gives up', () => {
  test('an authorisation is cancelled at the provider and cannot be captured', async () => {
    const checkout = await authorised();
    await checkout.void();
    await checkout.answer('voided');
    await checkout.capture();
    expect((await checkout.answer('capture_failed')).data).toMatchObject({ reason: 'not_authorised' });
    expect(await world.effects(checkout)).toEqual(['intent_created', 'authorised', 'cancelled']);
    expect((await read(checkout)).status).toBe('VOIDED');
  });

  test('an outcome that is still open is cancelled as soon as it can be, and told as voided alone', async () => {
    const checkout = world.booking.checkout();
    await checkout.authorise('pm_sim_webhook_only_600');
    await checkout.answer('processing');
    await checkout.void();
    await checkout.answer('voided');
    expect(checkout.names()).toEqual(['processing', 'voided']);
    expect((await world.effects(checkout)).at(-1)).toBe('cancelled');
  });

  test('asking again is answered again', async () => {
    const checkout = await authorised();
    await checkout.void();
    await checkout.answer('voided');
    await checkout.void();
    await checkout.capture();
    await checkout.answer('capture_failed');
    expect(checkout.names()).toEqual(['authorised', 'voided', 'voided', 'capture_failed']);
  });
});

describe('refunds', () => {
  test('go back in parts up to what was captured and not further', async () => {
    const checkout = await captured();
    await checkout.refund(1_500);
    await checkout.answer('refunded');
    expect((await read(checkout)).status).toBe('PARTIALLY_REFUNDED');
    await checkout.refund(3_001);
    expect((await checkout.answer('refund_failed')).data).toMatchObject({ reason: 'refund_exceeds_captured' });
    await checkout.refund(3_000);
    const payment = await untilStatus(checkout, 'REFUNDED');
    expect(payment.refunds.map((refund) => [refund.amount, refund.status])).toEqual([
      [1_500, 'SUCCEEDED'],
      [3_001, 'FAILED'],
      [3_000, 'SUCCEEDED'],
    ]);
  });

  test('one refund id is one refund, however often it is asked for', async () => {
    const checkout = await captured();
    const refundId = newId('rfd');
    await checkout.refund(4_500, refundId);
    await checkout.refund(4_500, refundId);
    await checkout.answer('refunded');
    await checkout.refund(1);
    await checkout.answer('refund_failed');
    // One that is asked for when the refund is settled already is answered again.
    expect([...new Set(checkout.names())]).toEqual(['authorised', 'captured', 'refunded', 'refund_failed']);
    expect((await world.effects(checkout)).filter((kind) => kind === 'refunded')).toHaveLength(1);
  });

  test('of money that was never captured fail', async () => {
    const checkout = await authorised();
    await checkout.refund(4_500);
    expect((await checkout.answer('refund_failed')).data).toMatchObject({ reason: 'not_captured' });
  });
});

async function untilStatus(checkout: Checkout, status: string): Promise<z.infer<typeof paymentSchema>> {
  return until(`status ${status}`, async () => {
    const payment = await read(checkout);
    return payment.status === status ? payment : null;
  });
}
