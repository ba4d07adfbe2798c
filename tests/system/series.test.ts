import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { SeriesJson, SeriesPreviewJson } from '@holdfast/shared/contracts/series';
import { until } from '@holdfast/shared/testing/until';
import { postUntilAnswered } from '../support/book.ts';
import { makeResource, makeVenue } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { mailsTo, untilMail } from '../support/mailbox.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

const DAY_MS = 86_400_000;

let stack: Stack;
let customer: Customer;
let resource: string;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  const admin = (await signInAdmin(stack)).api;
  customer = await signUp(stack);
  resource = await makeResource(admin, { venue_id: await makeVenue(admin) });
}, 60_000);
afterAll(() => stack?.stop());

async function pay(bookingId: string): Promise<BookingJson> {
  const path = `/v1/bookings/${bookingId}/pay`;
  const { body } = await postUntilAnswered<BookingJson>(customer.api, path, { payment_method: 'pm_card_visa' });
  return body;
}

async function read(id: string): Promise<SeriesJson> {
  return (await customer.api.get<SeriesJson>(`/v1/series/${id}`)).body;
}

test('a series is looked at, booked, paid as it comes near, and cancelled with its refunds', async () => {
  const starts_at = `${new Date(Date.now() + 5 * DAY_MS).toISOString().slice(0, 10)}T18:00`;
  const wish = { resource_id: resource, starts_at, duration: 'PT1H', rrule: 'FREQ=DAILY;COUNT=30' };

  const preview = await customer.api.post<SeriesPreviewJson>('/v1/series/preview', wish);
  expect([preview.status, preview.body.counts.free, preview.body.time_zone]).toEqual([200, 30, 'Europe/Paris']);

  const made = await customer.api.post<SeriesJson>('/v1/series', wish);
  expect(made.status).toBe(201);
  const { id, occurrences } = made.body;
  const soon = made.body.counts.HELD!;
  expect(made.body.counts).toEqual({ HELD: soon, PENDING: 30 - soon });
  expect((await customer.api.get(made.headers.get('location')!)).status).toBe(200);
  expect((await (await signUp(stack)).api.get(`/v1/series/${id}`)).status).toBe(404);

  const first = await pay(occurrences[0]!.booking!.id);
  expect(first).toMatchObject({ status: 'CONFIRMED', series_id: id, payment: { status: 'CAPTURED' } });

  // A day later one more comes into the window.
  const next = occurrences[soon]!.booking!;
  await stack.database.advanceClock(DAY_MS);
  await until('the next occurrence to be held', async () => (await read(id)).counts.HELD === soon);
  const mail = await untilMail(stack.url('mail'), customer.email, next.reference);
  expect(mail.text).toContain('the next booking of your series is held for you');
  expect(await pay(next.id)).toMatchObject({ status: 'CONFIRMED' });

  const cancelled = await postUntilAnswered<SeriesJson>(customer.api, `/v1/series/${id}/cancel`, {
    reason: 'the season is over',
  });
  expect([cancelled.status, cancelled.body.status, cancelled.body.counts]).toEqual([200, 'ENDED', { CANCELLED: 30 }]);
  await untilQuiet(stack);
  for (const booking of [first.id, next.id]) {
    const effects = await readEffects(stack.url('provider'), booking);
    expect(effects.filter(({ kind }) => kind === 'refunded').map(({ amount }) => amount)).toEqual([2400]);
  }
  // Each booking that was paid is told by itself, the others together.
  const mails = await mailsTo(stack.url('mail'), customer.email);
  expect(mails.filter(({ subject }) => subject.includes(' cancelled: '))).toHaveLength(2 + 1);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
