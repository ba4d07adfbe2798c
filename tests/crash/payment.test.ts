import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { until } from '@holdfast/shared/testing/until';
import { bookPatiently, postUntilAnswered } from '../support/book.ts';
import { makePoolEvent } from '../support/catalogue.ts';
import { crashAt } from '../support/crash.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { mailsTo } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

let stack: Stack;
let customer: Customer;
let other: Customer;
let admin: Customer['api'];
let pool: string;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  admin = (await signInAdmin(stack)).api;
  [customer, other, pool] = await Promise.all([
    signUp(stack),
    signUp(stack),
    makePoolEvent(admin, { capacity: 500, numbered: true }),
  ]);
}, 60_000);
afterAll(() => stack?.stop());

async function expectOneTicket(booking: BookingJson, mostMails = 1): Promise<void> {
  const now = await customer.api.get<BookingJson>(`/v1/bookings/${booking.id}`);
  expect(now.body).toMatchObject({ status: 'CONFIRMED', payment: { status: 'CAPTURED' } });
  const effects = await readEffects(stack.url('provider'), booking.id);
  const moved = effects.map(({ kind }) => kind).filter((kind) => kind !== 'callback_sent');
  expect(moved).toEqual(['intent_created', 'authorised', 'captured']);
  const mails = await mailsTo(stack.url('mail'), customer.email);
  const tickets = mails.filter(({ subject }) => subject.includes(booking.reference));
  expect(tickets.length).toBeGreaterThanOrEqual(1);
  expect(tickets.length).toBeLessThanOrEqual(mostMails);
  expect(await brokenInvariants(stack)).toEqual([]);
}

// nth of payment-checkout's messages: 1 asks to authorise, 2 to capture; nth of the calls: 1 creates the intent, 2 confirms, 3 captures.
describe('payment is killed on the way to CONFIRMED', () => {
  test.each([
    'payment-checkout.before_tx:1',
    'payment-checkout.before_commit:1',
    'payment-checkout.after_commit:1',
    'payment.operation_committed:1',
    'payment-checkout.before_ack:1',
    'payment.before_call:1',
    'payment.after_call:1',
    'payment.result_committed:1',
    'payment.before_call:2',
    'payment.after_call:2',
    'payment.result_committed:2',
    'relay.before_publish:1',
    'relay.after_publish:1',
    'payment-checkout.before_tx:2',
    'payment-checkout.before_commit:2',
    'payment-checkout.after_commit:2',
    'payment-checkout.before_ack:2',
    'payment.before_call:3',
    'payment.after_call:3',
    'payment.result_committed:3',
    'relay.before_publish:2',
    'relay.after_publish:2',
    'payment.webhook_before_store',
    'payment.webhook_stored',
  ])(
    'at %s',
    async (point) => {
      const booking = await crashAt(stack, { victim: 'payment', point }, () =>
        bookPatiently(customer.api, { event_id: pool, quantity: 2 }),
      );
      await expectOneTicket(booking);
    },
    60_000,
  );

  /** Pays for the one place of an event so late that the hold has run out, and crashes; `meanwhile` comes before the money. */
  async function payTooLate(point: string, meanwhile: (event: string) => Promise<unknown>): Promise<BookingJson> {
    const event = await makePoolEvent(admin, { capacity: 1 });
    const held = await postUntilAnswered<BookingJson>(customer.api, '/v1/bookings', { event_id: event, quantity: 1 });
    await crashAt(stack, { victim: 'payment', point }, async () => {
      const paid = customer.api.post(`/v1/bookings/${held.body.id}/pay`, {
        payment_method: 'pm_sim_webhook_only_4000',
      });
      await until('the payment to be processed', async () => {
        const { body } = await customer.api.get<BookingJson>(`/v1/bookings/${held.body.id}`);
        return body.payment?.status === 'PROCESSING';
      });
      // The place is free at once; the third call looks at the intent or cancels it.
      await stack.database.advanceClock(1_801_000);
      await meanwhile(event);
      await paid;
    });
    return (await customer.api.get<BookingJson>(`/v1/bookings/${held.body.id}`)).body;
  }

  test.each(['payment.before_call:3', 'payment.after_call:3', 'payment.result_committed:3'])(
    'at %s, voiding an authorisation that came too late: somebody else has the place',
    async (point) => {
      const late = await payTooLate(point, (event) =>
        until('the place to be free', async () => {
          const { status } = await other.api.post('/v1/bookings', { event_id: event, quantity: 1 });
          return status === 201;
        }),
      );
      expect(late.status).toBe('EXPIRED');
      const claims = await query(
        stack,
        'select from booking.pool_claims where booking_id = $1 and released_at is null',
        [late.id],
      );
      expect(claims).toEqual([]);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );

  test('at payment.after_call:3, taking the place again for an authorisation that came too late', async () => {
    const late = await payTooLate('payment.after_call:3', () => Promise.resolve());
    expect(late.status).toBe('CONFIRMED');
    expect(await brokenInvariants(stack)).toEqual([]);
  }, 60_000);
});

// The victim is armed when the booking is CONFIRMED, so each point is passed for the refund first.
describe('payment is killed while a cancelled booking is paid back', () => {
  test.each([
    'payment-checkout.before_tx',
    'payment-checkout.before_commit',
    'payment-checkout.after_commit',
    'payment.operation_committed',
    'payment-checkout.before_ack',
    'payment.before_call',
    'payment.after_call',
    'payment.result_committed',
    'relay.before_publish',
    'relay.after_publish',
    'payment.webhook_before_store',
    'payment.webhook_stored',
  ])(
    'at %s',
    async (point) => {
      const booking = await bookPatiently(customer.api, { event_id: pool, quantity: 1 });
      await untilQuiet(stack);
      await crashAt(stack, { victim: 'payment', point }, () =>
        postUntilAnswered(customer.api, `/v1/bookings/${booking.id}/cancel`, { reason: 'we are ill, all of us' }),
      );
      const now = await customer.api.get<BookingJson>(`/v1/bookings/${booking.id}`);
      expect(now.body).toMatchObject({ status: 'REFUNDED', refund: { status: 'SUCCEEDED' } });
      const effects = await readEffects(stack.url('provider'), booking.id);
      const moved = effects
        .filter(({ kind }) => kind !== 'callback_sent')
        .map(({ kind, amount }) => `${kind} ${amount}`);
      const price = booking.price.amount;
      expect(moved).toEqual([
        `intent_created ${price}`,
        `authorised ${price}`,
        `captured ${price}`,
        `refunded ${price}`,
      ]);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );
});

describe('notification is killed on the way to the mail', () => {
  test.each([
    ['notification-booking.before_tx', 1],
    ['notification-booking.before_commit', 1],
    ['notification-booking.after_commit', 1],
    ['notification-booking.before_ack', 1],
    ['notification.before_send', 1],
    // SMTP knows no transaction: a mail that was taken and not noted is sent once more, under its Message-ID.
    ['notification.after_send', 2],
  ])(
    'at %s',
    async (point, mostMails) => {
      const booking = await crashAt(stack, { victim: 'notification', point }, () =>
        bookPatiently(customer.api, { event_id: pool, quantity: 2 }),
      );
      await expectOneTicket(booking, mostMails);
    },
    60_000,
  );
});

test('the provider and every service are killed at once in the middle of ten bookings', async () => {
  const customers = await Promise.all(Array.from({ length: 10 }, () => signUp(stack)));
  const booked = customers.map(({ api }, i) =>
    bookPatiently(api, { event_id: pool, quantity: 1 + (i % 3) }, `pm_sim_slow_${20 * i}`),
  );
  // The first capture is the moment when the others are at every stage.
  await Promise.race(booked);

  const parts = ['provider', 'booking', 'payment', 'notification'] as const;
  await Promise.all(parts.map((part) => stack.process(part).kill()));
  await Promise.all(parts.map((part) => stack.restart(part)));
  await stack.database.advanceClock(100_000);

  const bookings = await Promise.all(booked);
  await untilQuiet(stack, 60_000);
  expect(bookings.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'CONFIRMED'));
  expect(await brokenInvariants(stack)).toEqual([]);
}, 120_000);
