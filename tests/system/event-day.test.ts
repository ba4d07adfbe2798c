import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import type { EventCancellationJson } from '@holdfast/shared/contracts/event-cancellation';
import type { EventRescheduleJson } from '@holdfast/shared/contracts/event-reschedule';
import type { TicketJson } from '@holdfast/shared/contracts/tickets';
import { until } from '@holdfast/shared/testing/until';
import type { ApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { makePoolEvent, makeSeatsEvent } from '../support/catalogue.ts';
import { signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { readAttachment, untilMail } from '../support/mailbox.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { readEffects } from '../support/witness.ts';

let stack: Stack;
let admin: ApiClient;
let ada: Customer;

beforeAll(async () => {
  stack = await startStack({ parts: [...WHOLE_PATH, 'booking2'] });
  admin = (await signInAdmin(stack)).api;
  ada = await signUp(stack);
}, 60_000);
afterEach(async () => {
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
afterAll(() => stack?.stop());

describe('on the day', () => {
  test('the mail has a code for each place, and one of them opens the door once', async () => {
    const event = await makeSeatsEvent(admin);
    const booking = await bookPatiently(ada.api, { event_id: event, seats: ['A-7', 'A-8'] });
    const mail = await untilMail(stack.url('mail'), ada.email, booking.reference);
    expect(mail.attachments.filter(({ content_type: type }) => type.startsWith('image/png'))).toHaveLength(2);

    const { body } = await ada.api.get<{ data: TicketJson[] }>(`/v1/bookings/${booking.id}/tickets`);
    expect(body.data.map(({ place }) => place)).toEqual(['A-7', 'A-8']);
    const door = `/v1/bookings/${booking.id}/check-in`;
    expect((await ada.api.post(door, { code: body.data[0]!.code })).status).toBe(403);
    const first = await admin.post<BookingJson>(door, { code: body.data[0]!.code });
    expect([first.status, first.body.status]).toEqual([200, 'CHECKED_IN']);
    const again = await admin.post<BookingJson>(door, {});
    expect([again.status, again.body.checked_in_at]).toEqual([200, first.body.checked_in_at]);

    const offline = await admin.get<{ tickets: { checked_in: boolean }[] }>(`/v1/events/${event}/tickets/offline`);
    expect(offline.body.tickets.map(({ checked_in: used }) => used)).toEqual([true, true]);
  }, 60_000);
});

describe('when the event is moved', () => {
  test('who booked it is told, with the calendar entry at its new time, comes with the old ticket, or gets everything back', async () => {
    const at = (hours: number) => new Date(Math.ceil(Date.now() / 1_000) * 1_000 + hours * 3_600_000).toISOString();
    const event = await makePoolEvent(admin, { event: { starts_at: at(3), ends_at: at(5) } });
    const bob = await signUp(stack, 'Bob');
    const bookings = [
      await bookPatiently(ada.api, { event_id: event, quantity: 1 }),
      await bookPatiently(bob.api, { event_id: event, quantity: 1 }),
    ] as const;
    const { body: tickets } = await ada.api.get<{ data: TicketJson[] }>(`/v1/bookings/${bookings[0].id}/tickets`);

    const to = { starts_at: at(30), ends_at: at(32) };
    const answer = await admin.post<EventRescheduleJson>(`/v1/events/${event}/reschedule`, {
      ...to,
      reason: 'the river is in flood',
    });
    expect([answer.status, answer.body.total]).toEqual([202, 2]);
    await until('the bookings to follow', async () => {
      const { body } = await admin.get<EventRescheduleJson>(answer.headers.get('location')!);
      return body.state === 'DONE' ? body : null;
    });

    const mail = await untilMail(stack.url('mail'), ada.email, `New time for booking ${bookings[0].reference}`);
    expect(mail.text).toContain('the river is in flood');
    const calendar = (await readAttachment(stack.url('mail'), mail.id, 0)).toString().replaceAll(/\r?\n /g, '');
    const stamp = to.starts_at.replace(/\.000Z$/, 'Z').replaceAll(/[-:]/g, '');
    for (const line of ['SEQUENCE:1', `UID:${bookings[0].id}`, `DTSTART:${stamp}`]) {
      expect(calendar.split(/\r?\n/)).toContain(line);
    }

    const door = await admin.post<BookingJson>(`/v1/bookings/${bookings[0].id}/check-in`, {
      code: tickets.data[0]!.code,
    });
    expect([door.status, door.headers.get('check-in'), door.body.starts_at]).toEqual([200, 'admitted', to.starts_at]);
    const back = await bob.api.post<BookingJson>(`/v1/bookings/${bookings[1].id}/cancel`, {
      reason: 'I cannot come then',
    });
    expect(back.body.refund?.amount.amount).toBe(bookings[1].price.amount);
    const found = await ada.api.get<{ data: { id: string }[] }>(`/v1/search?from=${to.starts_at}&available=true`);
    expect(found.body.data.map(({ id }) => id)).toContain(event);
  }, 90_000);
});

describe('when the event is called off an hour before it begins', () => {
  test('everybody who paid gets everything back from the provider and a mail, and nobody books it any more', async () => {
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const event = await makePoolEvent(admin, { event: { starts_at: at(1), ends_at: at(3) } });
    const guests = await Promise.all(Array.from({ length: 3 }, (_, i) => signUp(stack, `Guest ${i + 1}`)));
    const bookings: BookingJson[] = [];
    for (const guest of guests) bookings.push(await bookPatiently(guest.api, { event_id: event, quantity: 2 }));
    const held = await ada.api.post<BookingJson>('/v1/bookings', { event_id: event, quantity: 1 });

    const answer = await admin.post<EventCancellationJson>(`/v1/events/${event}/cancel`, {
      reason: 'the river is in flood',
    });
    expect([answer.status, answer.body.total]).toEqual([202, 4]);
    const late = await ada.api.post<{ code: string }>('/v1/bookings', { event_id: event, quantity: 1 });
    expect([late.status, late.body.code]).toEqual([422, 'event_cancelled']);

    const progress = await until('the cancellation', async () => {
      const { body } = await admin.get<EventCancellationJson>(answer.headers.get('location')!);
      return body.state === 'DONE' ? body : null;
    });
    expect(progress).toMatchObject({ total: 4, done: 4, failed: 0 });
    await untilQuiet(stack);
    for (const [index, guest] of guests.entries()) {
      const { id, price } = bookings[index]!;
      const after = (await guest.api.get<BookingJson>(`/v1/bookings/${id}`)).body;
      expect(after).toMatchObject({
        status: 'REFUNDED',
        refund: { status: 'SUCCEEDED', amount: { amount: price.amount } },
      });
      expect((await readEffects(stack.url('provider'), id)).map(({ kind }) => kind)).toContain('refunded');
      expect((await untilMail(stack.url('mail'), guest.email, 'cancelled')).text).toContain('the river is in flood');
    }
    expect((await ada.api.get<BookingJson>(`/v1/bookings/${held.body.id}`)).body.status).toBe('CANCELLED');
  }, 90_000);
});
