import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { SeriesJson } from '@holdfast/shared/contracts/series';
import type { WaitlistEntryJson } from '@holdfast/shared/contracts/waitlist';
import { until } from '@holdfast/shared/testing/until';
import { bookPatiently, postUntilAnswered } from '../support/book.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { crashAt } from '../support/crash.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { mailsTo } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

let stack: Stack;
let customer: Customer;
let seats: string;
let pool: string;
let net: string;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  const admin = (await signInAdmin(stack)).api;
  [customer, seats, pool, net] = await Promise.all([
    signUp(stack),
    makeSeatsEvent(admin, { seats: 100 }),
    makePoolEvent(admin, { capacity: 100, numbered: true }),
    makeResource(admin),
  ]);
}, 60_000);
afterAll(() => stack?.stop());

let count = 0;
/** Another kind each time, and never the same place. */
function nextHold(): object {
  count += 1;
  const kinds = [
    { event_id: seats, seats: [`A-${2 * count - 1}`, `A-${2 * count}`] },
    { event_id: pool, quantity: 3 },
    { resource_id: net, ...halfHours(1, Math.floor(count / 3)) },
  ];
  return kinds[count % kinds.length]!;
}

// nth of the relay's rounds: 2 brings authorisation_requested out, 3 capture_requested, 4 confirmed.
// nth of booking-payment's messages: 1 is authorised, 2 is captured.
describe('booking is killed on the way to CONFIRMED', () => {
  test.each([
    'booking.hold.before_commit',
    'booking.hold.after_commit',
    'booking.pay.before_commit',
    'booking.pay.after_commit',
    'relay.before_publish:1',
    'relay.after_publish:1',
    'relay.before_publish:2',
    'relay.after_publish:2',
    'relay.before_publish:3',
    'relay.after_publish:3',
    'relay.before_publish:4',
    'relay.after_publish:4',
    'booking-payment.before_tx:1',
    'booking-payment.before_commit:1',
    'booking-payment.after_commit:1',
    'booking-payment.before_ack:1',
    'booking-payment.before_tx:2',
    'booking-payment.before_commit:2',
    'booking-payment.after_commit:2',
    'booking-payment.before_ack:2',
  ])(
    'at %s',
    async (point) => {
      const booking = await crashAt(stack, { victim: 'booking', point }, () => bookPatiently(customer.api, nextHold()));

      expect(booking.status).toBe('CONFIRMED');
      const now = await customer.api.get<BookingJson>(`/v1/bookings/${booking.id}`);
      expect(now.body).toMatchObject({ status: 'CONFIRMED', payment: { status: 'CAPTURED' } });
      const effects = await readEffects(stack.url('provider'), booking.id);
      expect(effects.filter(({ kind }) => kind === 'captured')).toHaveLength(1);
      const mails = await mailsTo(stack.url('mail'), customer.email);
      expect(mails.filter(({ subject }) => subject.includes(booking.reference))).toHaveLength(1);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );
});

test('booking is killed after holds ran out: the places are free, and it is told once', async () => {
  const held = await postUntilAnswered<BookingJson>(customer.api, '/v1/bookings', {
    event_id: seats,
    seats: ['A-99', 'A-100'],
  });
  expect(held.status).toBe(201);

  await crashAt(stack, { victim: 'booking', point: 'booking.expire.after_commit' }, async () => {
    await stack.database.advanceClock(601_000);
    await until('the booking to expire', async () => {
      const answer = await customer.api.get<BookingJson>(`/v1/bookings/${held.body.id}`);
      return answer.status === 200 && answer.body.status === 'EXPIRED';
    });
  });

  expect(
    await query(
      stack,
      `select name, published from (
         select split_part(subject, '.', 4) as name, published_at is not null as published, family
           from booking.outbox where ordering_key = $1) m
        where family = 'booking'`,
      [held.body.id],
    ),
  ).toEqual([{ name: 'expired', published: true }]);
  const again = await postUntilAnswered<BookingJson>(customer.api, '/v1/bookings', {
    event_id: seats,
    seats: ['A-99', 'A-100'],
  });
  expect(again.status).toBe(201);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);

// nth of booking-payment's messages: 1 is processing, 2 the authorisation that comes late, 3 captured.
describe('booking is killed while it takes the places of late money again', () => {
  test.each([
    'booking-payment.before_tx:2',
    'booking-payment.before_commit:2',
    'booking-payment.after_commit:2',
    'booking-payment.before_commit:3',
  ])(
    'at %s: they are taken once, and captured once',
    async (point) => {
      const held = await postUntilAnswered<BookingJson>(customer.api, '/v1/bookings', { event_id: pool, quantity: 2 });
      const id = held.body.id;
      await crashAt(stack, { victim: 'booking', point }, async () => {
        const paid = postUntilAnswered(customer.api, `/v1/bookings/${id}/pay`, {
          payment_method: 'pm_sim_webhook_only_4000',
        });
        await until('the payment to be processed', async () => {
          const { body } = await customer.api.get<BookingJson>(`/v1/bookings/${id}`);
          return body.payment?.status === 'PROCESSING';
        });
        await stack.database.advanceClock(1_801_000);
        await paid;
      });
      const now = await customer.api.get<BookingJson>(`/v1/bookings/${id}`);
      expect(now.body).toMatchObject({ status: 'CONFIRMED', payment: { status: 'CAPTURED' } });
      const effects = await readEffects(stack.url('provider'), id);
      expect(effects.filter(({ kind }) => kind === 'captured')).toHaveLength(1);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );
});

describe('booking is killed while it offers to the waitlist', () => {
  test.each(['booking.offer.before_commit', 'booking.offer.after_commit'])(
    'at %s there is one offer all the same, and one mail',
    async (point) => {
      const [holder, waiter] = await Promise.all([signUp(stack), signUp(stack)]);
      const event = await makePoolEvent((await signInAdmin(stack)).api, { capacity: 1 });
      const wish = { event_id: event, quantity: 1 };
      const held = await postUntilAnswered<BookingJson>(holder.api, '/v1/bookings', wish);
      const entry = await postUntilAnswered<WaitlistEntryJson>(waiter.api, '/v1/waitlist', wish);

      await crashAt(stack, { victim: 'booking', point }, async () => {
        await postUntilAnswered(holder.api, `/v1/bookings/${held.body.id}/cancel`, {
          reason: 'changed my mind about it',
        });
        await until('the offer', async () => {
          const answer = await waiter.api.get<WaitlistEntryJson>(`/v1/waitlist/${entry.body.id}`);
          return answer.status === 200 && answer.body.status === 'OFFERED';
        });
      });

      const mails = await mailsTo(stack.url('mail'), waiter.email);
      expect(mails.filter(({ subject }) => subject.includes('What you waited for is free'))).toHaveLength(1);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );
});

describe('booking is killed over a series', () => {
  const DAY_MS = 86_400_000;
  // Another hour each time; daily, so that the next occurrence is at most a day away from the window.
  const daily = (hour: number) => ({
    resource_id: net,
    starts_at: `${new Date(Date.now() + 5 * DAY_MS).toISOString().slice(0, 10)}T${hour}:00`,
    duration: 'PT1H',
    rrule: 'FREQ=DAILY;COUNT=40',
  });
  const read = async (id: string) => (await customer.api.get<SeriesJson>(`/v1/series/${id}`)).body;

  test.each(['booking.series.before_commit', 'booking.series.after_commit'])(
    'at %s: the repeated call has the one series',
    async (point) => {
      const hour = point.endsWith('before_commit') ? 11 : 13;
      const made = await crashAt(stack, { victim: 'booking', point }, () =>
        postUntilAnswered<SeriesJson>(customer.api, '/v1/series', daily(hour)),
      );
      expect(made.status).toBe(201);
      expect(await read(made.body.id)).toMatchObject({ occurrences: made.body.occurrences });
      const bookings = 'select count(*)::int as n from booking.bookings where series_id = $1';
      expect(await query(stack, bookings, [made.body.id])).toEqual([{ n: 40 }]);
      const cancel = { reason: 'only for this test' };
      expect((await customer.api.post(`/v1/series/${made.body.id}/cancel`, cancel)).status).toBe(200);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );

  test.each(['booking.occurrences.before_commit', 'booking.occurrences.after_commit'])(
    'at %s: the occurrence that came into the window is held once and told once',
    async (point) => {
      const made = await postUntilAnswered<SeriesJson>(customer.api, '/v1/series', daily(16));
      expect(made.status).toBe(201);
      const next = made.body.occurrences.find(({ booking }) => booking!.status === 'PENDING')!.booking!;
      await crashAt(stack, { victim: 'booking', point }, async () => {
        await stack.database.advanceClock(DAY_MS);
        await until('the occurrence to be held', async () => {
          const answer = await customer.api.get<BookingJson>(`/v1/bookings/${next.id}`);
          return answer.status === 200 && answer.body.status === 'HELD';
        });
      });
      expect(
        await query(
          stack,
          `select split_part(subject, '.', 4) as name from booking.outbox where ordering_key = $1 order by family, seq`,
          [next.id],
        ),
      ).toEqual([{ name: 'payment_due' }, { name: 'held' }]);
      const mails = await mailsTo(stack.url('mail'), customer.email);
      expect(mails.filter(({ subject }) => subject.includes(next.reference))).toHaveLength(1);
      const cancel = { reason: 'only for this test' };
      expect((await customer.api.post(`/v1/series/${made.body.id}/cancel`, cancel)).status).toBe(200);
      await untilQuiet(stack);
      expect(await brokenInvariants(stack)).toEqual([]);
    },
    60_000,
  );
});
