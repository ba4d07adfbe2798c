import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { WaitlistEntryJson } from '@holdfast/shared/contracts/waitlist';
import { until } from '@holdfast/shared/testing/until';
import type { ApiClient } from '../support/api-client.ts';
import { bookPatiently, postUntilAnswered } from '../support/book.ts';
import { makeSeatsEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { untilMail } from '../support/mailbox.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

let stack: Stack;
let admin: ApiClient;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  admin = (await signInAdmin(stack)).api;
}, 60_000);
afterEach(async () => {
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
afterAll(() => stack?.stop());

async function join(customer: Customer, body: object): Promise<WaitlistEntryJson> {
  const answer = await customer.api.post<WaitlistEntryJson>('/v1/waitlist', body);
  if (answer.status !== 201) throw new Error(`not joined: ${answer.text}`);
  return answer.body;
}

const untilStatus = (customer: Customer, id: string, status: string) =>
  until(`the entry to be ${status}`, async () => {
    const { body } = await customer.api.get<WaitlistEntryJson>(`/v1/waitlist/${id}`);
    return body.status === status ? body : null;
  });

test('a seat that is given back is offered to the first in line within 2 s, with a mail, and is hers when she pays', async () => {
  const [grace, ada, bob] = [await signUp(stack, 'Grace'), await signUp(stack, 'Ada'), await signUp(stack, 'Bob')];
  const event = await makeSeatsEvent(admin, { seats: 1 });
  const sold = await bookPatiently(grace.api, { event_id: event, seats: ['A-1'] });
  const wish = { event_id: event, quantity: 1, category: 'standard' };
  const [first, second] = [await join(ada, wish), await join(bob, wish)];
  expect([first.position, second.position]).toEqual([1, 2]);
  const pending = await ada.api.get<BookingJson>(`/v1/bookings/${first.booking_id}`);
  expect(pending.body).toMatchObject({ status: 'PENDING', seats: [], hold_expires_at: null });

  const before = Date.now();
  await grace.api.post(`/v1/bookings/${sold.id}/cancel`, { reason: 'I cannot come after all' });
  const released = Date.now();
  const offered = await untilStatus(ada, first.id, 'OFFERED');
  const waited = Date.now() - before;
  expect(waited).toBeLessThan(2_000 + (released - before));
  expect(offered.booking).toMatchObject({ status: 'HELD', seats: ['A-1'], price: { amount: 4500 } });
  const mail = await untilMail(stack.url('mail'), ada.email, 'What you waited for is free');
  expect(mail.text).toContain('A-1');

  const paid = await postUntilAnswered<BookingJson>(ada.api, `/v1/bookings/${first.booking_id}/pay`, {
    payment_method: 'pm_card_visa',
  });
  expect(paid.body.status).toBe('CONFIRMED');
  await untilMail(stack.url('mail'), ada.email, 'confirmed');
  expect((await untilStatus(ada, first.id, 'ACCEPTED')).position).toBeNull();
  expect((await bob.api.get<WaitlistEntryJson>(`/v1/waitlist/${second.id}`)).body).toMatchObject({
    status: 'WAITING',
    position: 1,
  });
}, 60_000);

test('an offer that nobody takes goes to the next in line; both are told', async () => {
  const [grace, ada, bob] = [await signUp(stack, 'Grace'), await signUp(stack, 'Ada'), await signUp(stack, 'Bob')];
  const event = await makeSeatsEvent(admin, { seats: 1 });
  const held = await grace.api.post<BookingJson>('/v1/bookings', { event_id: event, seats: ['A-1'] });
  const [first, second] = [
    await join(ada, { event_id: event, quantity: 1 }),
    await join(bob, { event_id: event, quantity: 1 }),
  ];
  await grace.api.post(`/v1/bookings/${held.body.id}/cancel`, { reason: 'I cannot come after all' });
  await untilStatus(ada, first.id, 'OFFERED');

  await stack.database.advanceClock(3_601_000);
  await untilStatus(ada, first.id, 'EXPIRED');
  await untilStatus(bob, second.id, 'OFFERED');
  await untilMail(stack.url('mail'), ada.email, 'has lapsed');
  await untilMail(stack.url('mail'), bob.email, 'What you waited for is free');

  const left = await bob.api.post<WaitlistEntryJson>(`/v1/waitlist/${second.id}/leave`, {});
  expect([left.status, left.body.status]).toEqual([200, 'LEFT']);
  // The seat is free for everybody again.
  expect((await grace.api.post('/v1/bookings', { event_id: event, seats: ['A-1'] })).status).toBe(201);
}, 60_000);
