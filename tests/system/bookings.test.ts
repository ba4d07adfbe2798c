import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingJson } from '@holdfast/shared/contracts/bookings';
import { until } from '@holdfast/shared/testing/until';
import { createApiClient, type ApiClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent } from '../support/catalogue.ts';
import { PASSWORD, signInAdmin, signUp, type Customer } from '../support/customers.ts';
import { brokenInvariants, untilQuiet } from '../support/invariants.ts';
import { mailsTo, readAttachment, untilMail } from '../support/mailbox.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

// Everything as a customer sees it: the public API of the gateway, and the mailbox.
let stack: Stack;
let admin: ApiClient;
let ada: Customer;
let anybody: ApiClient;

beforeAll(async () => {
  // All that they ever write, so that the last test can look for what must not be in it.
  const env = Object.fromEntries(WHOLE_PATH.map((part) => [part, { HOLDFAST_LOG_LEVEL: 'trace' }]));
  stack = await startStack({ parts: WHOLE_PATH, redis: true, env });
  anybody = createApiClient(stack.url('gateway'));
  admin = (await signInAdmin(stack)).api;
  ada = await signUp(stack, 'Ada Lovelace');
}, 60_000);
afterEach(async () => {
  await untilQuiet(stack);
  expect(await brokenInvariants(stack)).toEqual([]);
}, 60_000);
afterAll(() => stack?.stop());

interface List<T> {
  readonly object: string;
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

interface Kind {
  readonly kind: string;
  /** Makes what is booked; resolves with the request, what it shows and how many of its places are in each state. */
  readonly prepare: () => Promise<{
    readonly hold: object;
    readonly shows: object;
    readonly availability: () => Promise<unknown>;
    readonly states: (own: 'AVAILABLE' | 'LOCKED' | 'BOOKED') => unknown;
  }>;
}

interface Counts {
  readonly counts: { readonly available: number; readonly locked: number; readonly booked: number };
  readonly seats?: readonly { readonly label: string; readonly status: string }[];
}

const counts = (total: number, own: number, state: 'AVAILABLE' | 'LOCKED' | 'BOOKED') => ({
  available: state === 'AVAILABLE' ? total : total - own,
  locked: state === 'LOCKED' ? own : 0,
  booked: state === 'BOOKED' ? own : 0,
});

const KINDS: readonly Kind[] = [
  {
    kind: 'two seats in a hall',
    async prepare() {
      const eventId = await makeSeatsEvent(admin, { seats: 20, amount: 4500 });
      return {
        hold: { event_id: eventId, seats: ['A-12', 'A-13'] },
        shows: {
          inventory: 'seats',
          event_id: eventId,
          resource_id: null,
          seats: ['A-12', 'A-13'],
          quantity: 2,
          time_zone: 'Europe/Paris',
          price: { amount: 9000, currency: 'EUR' },
        },
        async availability() {
          const { body } = await anybody.get<Counts>(`/v1/events/${eventId}/availability`);
          const own = body.seats!.filter(({ label }) => label === 'A-12' || label === 'A-13');
          return { counts: body.counts, own: own.map(({ status }) => status) };
        },
        states: (own) => ({ counts: counts(20, 2, own), own: [own, own] }),
      };
    },
  },
  {
    kind: 'a one-hour net',
    async prepare() {
      const resourceId = await makeResource(admin);
      const slot = halfHours(2);
      return {
        hold: { resource_id: resourceId, ...slot },
        shows: {
          inventory: 'slots',
          event_id: null,
          resource_id: resourceId,
          ...slot,
          time_zone: 'UTC',
          price: { amount: 2400, currency: 'EUR' },
        },
        async availability() {
          const path = `/v1/resources/${resourceId}/availability?date=${slot.starts_at.slice(0, 10)}`;
          const { body } = await anybody.get<{
            slots: { starts_at: string; ends_at: string; status: string }[];
          }>(path);
          return body.slots
            .filter((one) => one.starts_at >= slot.starts_at && one.ends_at <= slot.ends_at)
            .map(({ status }) => status);
        },
        states: (own) => [own, own],
      };
    },
  },
  {
    kind: 'three places on a ride',
    async prepare() {
      const eventId = await makePoolEvent(admin, { capacity: 40, numbered: true, amount: 1500 });
      return {
        hold: { event_id: eventId, quantity: 3 },
        shows: {
          inventory: 'pool',
          event_id: eventId,
          resource_id: null,
          seats: ['1', '2', '3'],
          quantity: 3,
          price: { amount: 4500, currency: 'EUR' },
        },
        availability: async () => (await anybody.get<Counts>(`/v1/events/${eventId}/availability`)).body.counts,
        states: (own) => counts(40, 3, own),
      };
    },
  },
];

test.each(KINDS)(
  '$kind: from the catalogue to the ticket in the mail',
  async ({ prepare }) => {
    const { hold, shows, availability, states } = await prepare();
    expect(await availability()).toEqual(states('AVAILABLE'));

    // Hold
    const held = await ada.api.post<BookingJson>('/v1/bookings', hold);
    expect(held.status).toBe(201);
    const { id, reference } = held.body;
    expect(held.headers.get('location')).toBe(`/v1/bookings/${id}`);
    expect(held.headers.get('request-id')).toMatch(/^req_/);
    expect(held.body).toMatchObject({ object: 'booking', status: 'HELD', version: 1, payment: null, ...shows });
    expect(reference).toMatch(/^BK\d{8}-[0-9A-HJKMNP-TV-Z]{6}$/);
    expect(Date.parse(held.body.hold_expires_at!) - Date.parse(held.body.server_now)).toBe(600_000);
    // Whoever took it never sees it free (G11).
    expect(await availability()).toEqual(states('LOCKED'));

    // Pay
    const paid = await ada.api.post<BookingJson>(`/v1/bookings/${id}/pay`, { payment_method: 'pm_card_visa' });
    const confirmed = paid.status === 202 ? await bookingOnceItIs('CONFIRMED', id) : paid.body;
    expect(confirmed).toMatchObject({ id, reference, status: 'CONFIRMED', ...shows, refund: null });
    expect(confirmed.payment).toMatchObject({ status: 'CAPTURED', attempt: 1, decline_reason: null });
    expect(await availability()).toEqual(states('BOOKED'));

    // What is on record
    const byId = await ada.api.get<BookingJson>(`/v1/bookings/${id}`);
    const byReference = await ada.api.get<BookingJson>(`/v1/bookings/reference/${reference}`);
    expect({ ...byReference.body, server_now: '' }).toEqual({ ...byId.body, server_now: '' });
    expect(byId.headers.get('etag')).toBeTruthy();
    const history = await ada.api.get<List<{ from: string; to: string; actor: string; cause: string; at: string }>>(
      `/v1/bookings/${id}/history`,
    );
    expect(history.body.data.map(({ from, to }) => [from, to])).toEqual([
      [null, 'HELD'],
      ['HELD', 'PAYMENT_INITIATED'],
      ['PAYMENT_INITIATED', 'PAID'],
      ['PAID', 'CONFIRMED'],
    ]);
    expect(history.body.data.map(({ actor }) => actor)).toEqual([ada.id, ada.id, 'payment', 'payment']);
    expect(history.body.data[0]!.cause).toBe(held.headers.get('request-id'));
    const payment = await ada.api.get(`/v1/payments/${confirmed.payment!.id}`);
    expect(payment.body).toMatchObject({
      id: confirmed.payment!.id,
      booking_id: id,
      status: 'CAPTURED',
      amount: confirmed.price.amount,
      currency: 'EUR',
      provider: 'stripe',
      provider_reference: expect.stringMatching(/^pi_/),
      attempts: [{ number: 1, status: 'CAPTURED', payment_method: 'pm_card_visa' }],
      refunds: [],
    });
    const payments = await ada.api.get<List<unknown>>(`/v1/payments?booking_id=${id}`);
    expect(payments.body).toMatchObject({ object: 'list', data: [payment.body], has_more: false });
    const upcoming = await ada.api.get<List<BookingJson>>('/v1/bookings/upcoming');
    expect(upcoming.body.data.map((booking) => booking.id)).toContain(id);

    // The ticket
    const mail = await untilMail(stack.url('mail'), ada.email, reference);
    expect(mail.to).toEqual([ada.email]);
    expect(mail.text).toContain(reference);
    const image = mail.attachments.findIndex(({ content_type: type }) => type.startsWith('image/png'));
    const calendar = mail.attachments.findIndex(({ filename }) => filename.endsWith('.ics'));
    expect(mail.html).toContain(`cid:${mail.attachments[image]?.content_id?.replace(/[<>]/g, '')}`);
    const png = await readAttachment(stack.url('mail'), mail.id, image);
    expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
    const ics = (await readAttachment(stack.url('mail'), mail.id, calendar)).toString();
    expect(ics).toMatch(/^BEGIN:VCALENDAR[\s\S]*BEGIN:VEVENT[\s\S]*END:VEVENT[\s\S]*END:VCALENDAR\s*$/);
    expect(ics.replace(/\r\n /g, '')).toContain(reference);
  },
  40_000,
);

async function bookingOnceItIs(status: string, id: string): Promise<BookingJson> {
  return until(`booking ${id} to be ${status}`, async () => {
    const { body } = await ada.api.get<BookingJson>(`/v1/bookings/${id}`);
    return body.status === status ? body : null;
  });
}

describe('a key that comes again', () => {
  test('gets the stored answer of the hold, to the letter', async () => {
    const eventId = await makePoolEvent(admin);
    const hold = { event_id: eventId, quantity: 2 };
    const first = await ada.api.post<BookingJson>('/v1/bookings', hold, { key: 'a-key-of-my-own' });
    // Spelled another way, and the key quoted: the same request all the same.
    const again = await ada.api.send<BookingJson>('POST', '/v1/bookings', {
      headers: { 'content-type': 'application/json; charset=utf-8', 'idempotency-key': '"a-key-of-my-own"' },
      body: `{ "quantity": 2.0,\n "event_id": "${eventId}" }`,
    });

    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(first.text);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(first.headers.get('location'));

    const other = await ada.api.post('/v1/bookings', { ...hold, quantity: 3 }, { key: 'a-key-of-my-own' });
    expect([other.status, other.body]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    const elsewhere = await ada.api.post(
      `/v1/bookings/${first.body.id}/cancel`,
      { reason: 'another route altogether' },
      { key: 'a-key-of-my-own' },
    );
    expect([elsewhere.status, elsewhere.body]).toMatchObject([422, { code: 'idempotency_key_reused' }]);
    // A key is one customer's own.
    const bob = await signUp(stack, 'Bob');
    const bobs = await bob.api.post<BookingJson>('/v1/bookings', hold, { key: 'a-key-of-my-own' });
    expect(bobs.status).toBe(201);
    expect(bobs.body.id).not.toBe(first.body.id);
  });

  test('is not burnt by a refusal', async () => {
    const eventId = await makeSeatsEvent(admin, { seats: 2 });
    const bob = await signUp(stack, 'Bob');
    const taken = await bob.api.post<BookingJson>('/v1/bookings', { event_id: eventId, seats: ['A-1'] });
    const hold = { event_id: eventId, seats: ['A-1', 'A-2'] };

    const refused = await ada.api.post('/v1/bookings', hold, { key: 'try-again' });
    expect([refused.status, refused.body]).toMatchObject([
      409,
      { code: 'inventory_unavailable', unavailable: ['A-1'] },
    ]);
    await bob.api.post(`/v1/bookings/${taken.body.id}/cancel`, { reason: 'making room for Ada' });
    const granted = await ada.api.post('/v1/bookings', hold, { key: 'try-again' });
    expect(granted.status).toBe(201);
    expect(granted.headers.get('idempotent-replayed')).toBeNull();
  });
});

describe('cancelling', () => {
  test('an unpaid hold frees its places at once; twice is the same answer', async () => {
    const eventId = await makeSeatsEvent(admin, { seats: 2 });
    const bob = await signUp(stack, 'Bob');
    const held = await bob.api.post<BookingJson>('/v1/bookings', { event_id: eventId, seats: ['A-1', 'A-2'] });
    const path = `/v1/bookings/${held.body.id}/cancel`;

    const tooShort = await bob.api.post(path, { reason: 'too short' });
    expect([tooShort.status, tooShort.body]).toMatchObject([422, { errors: [{ pointer: '/reason' }] }]);
    const cancelled = await bob.api.post<BookingJson>(path, { reason: 'we cannot come' });
    expect(cancelled.status).toBe(200);
    expect(cancelled.body).toMatchObject({ status: 'CANCELLED', refund: null });
    const availability = await anybody.get<Counts>(`/v1/events/${eventId}/availability`);
    expect(availability.body.counts).toEqual({ available: 2, locked: 0, booked: 0 });
    const twice = await bob.api.post<BookingJson>(path, { reason: 'we still cannot come' });
    expect([twice.status, twice.body.status, twice.body.version]).toEqual([200, 'CANCELLED', cancelled.body.version]);
    const pay = await bob.api.post(`/v1/bookings/${held.body.id}/pay`, { payment_method: 'pm_card_visa' });
    expect(pay.status).toBe(409);
  });

  test('a paid booking well before its start: previewed, refunded in full, its place free, told by mail', async () => {
    const eventId = await makePoolEvent(admin, { capacity: 10, amount: 1500 });
    const bob = await signUp(stack, 'Bob');
    const booking = await bookPatiently(bob.api, { event_id: eventId, quantity: 2 });
    const price = { amount: 3000, currency: 'EUR' };

    const preview = await bob.api.get(`/v1/bookings/${booking.id}/cancellation-preview`);
    expect([preview.status, preview.body]).toMatchObject([200, { refundable: price, percent: 100 }]);
    const cancelled = await bob.api.post<BookingJson>(`/v1/bookings/${booking.id}/cancel`, {
      reason: 'the weather will be bad',
    });
    expect(cancelled.status).toBe(200);
    expect(cancelled.body.refund).toMatchObject({ id: expect.stringMatching(/^rfd_/), amount: price });

    await until('the refund to settle', async () => {
      const { body } = await bob.api.get<BookingJson>(`/v1/bookings/${booking.id}`);
      return body.status === 'REFUNDED';
    });
    const payment = await bob.api.get(`/v1/payments/${booking.payment!.id}`);
    expect(payment.body).toMatchObject({ status: 'REFUNDED', refunds: [{ id: cancelled.body.refund!.id, ...price }] });
    const availability = await anybody.get<Counts>(`/v1/events/${eventId}/availability`);
    expect(availability.body.counts).toEqual({ available: 10, locked: 0, booked: 0 });
    await until('the mail about it', async () => {
      const mails = await mailsTo(stack.url('mail'), bob.email);
      return mails.filter(({ subject }) => subject.includes(booking.reference)).length === 2;
    });
  });
});

describe('reading', () => {
  test('lists go through all bookings once, in a stable order, page by page', async () => {
    const eventId = await makePoolEvent(admin, { amount: 0 });
    const bob = await signUp(stack, 'Bob');
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const held = await bob.api.post<BookingJson>('/v1/bookings', { event_id: eventId, quantity: 1 });
      made.push(held.body.id);
    }
    await bob.api.post(`/v1/bookings/${made[0]}/cancel`, { reason: 'one too many' });

    const seen: string[] = [];
    let path: string | null = '/v1/bookings?limit=2';
    let pages = 0;
    while (path !== null) {
      const page: { body: List<BookingJson> } = await bob.api.get<List<BookingJson>>(path);
      seen.push(...page.body.data.map(({ id }) => id));
      pages += 1;
      expect(page.body.has_more).toBe(page.body.next_cursor !== null);
      path = page.body.next_cursor === null ? null : `/v1/bookings?limit=2&cursor=${page.body.next_cursor}`;
    }
    expect([seen, pages]).toEqual([made.toReversed(), 3]);
    const held = await bob.api.get<List<BookingJson>>('/v1/bookings?status=HELD');
    expect(held.body.data.map(({ id }) => id)).toEqual(made.slice(1).toReversed());
    const never = await bob.api.get<List<BookingJson>>('/v1/bookings?to=2020-01-01T00:00:00Z');
    expect(never.body.data).toEqual([]);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'status=GONE', 'from=yesterday', 'colour=red']) {
      expect((await bob.api.get(`/v1/bookings?${query}`)).status).toBe(422);
    }
  });

  test("nobody sees, pays or cancels another's booking; an administrator sees it", async () => {
    const eventId = await makePoolEvent(admin);
    const booking = await bookPatiently((await signUp(stack, 'Bob')).api, { event_id: eventId, quantity: 1 });
    const { id, reference } = booking;
    const answers = await Promise.all([
      ada.api.get(`/v1/bookings/${id}`),
      ada.api.get(`/v1/bookings/reference/${reference}`),
      ada.api.get(`/v1/bookings/${id}/history`),
      ada.api.post(`/v1/bookings/${id}/pay`, { payment_method: 'pm_card_visa' }),
      ada.api.post(`/v1/bookings/${id}/cancel`, { reason: 'just to annoy Bob' }),
      ada.api.get(`/v1/payments/${booking.payment!.id}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404]);
    const listed = await ada.api.get<List<unknown>>(`/v1/payments?booking_id=${id}`);
    expect(listed.body.data ?? []).toEqual([]);
    expect((await admin.get<BookingJson>(`/v1/bookings/${id}`)).body.id).toBe(id);
    expect((await anybody.get(`/v1/bookings/${id}`)).status).toBe(401);
  });
});

test('a place that costs nothing is confirmed without a payment', async () => {
  const eventId = await makePoolEvent(admin, { amount: 0 });
  const held = await ada.api.post<BookingJson>('/v1/bookings', { event_id: eventId, quantity: 1 });
  const confirmed = await ada.api.post<BookingJson>(`/v1/bookings/${held.body.id}/pay`, {});
  expect(confirmed.status).toBe(200);
  expect(confirmed.body).toMatchObject({ status: 'CONFIRMED', payment: null, price: { amount: 0 } });
  await untilMail(stack.url('mail'), ada.email, held.body.reference);
});

test('health tells of every service, and the contract is served', async () => {
  const health = await anybody.get('/healthz?verbose=1');
  expect([health.status, health.body]).toMatchObject([
    200,
    {
      status: 'ok',
      services: { booking: { status: 'ok' }, payment: { status: 'ok' }, notification: { status: 'ok' } },
    },
  ]);
  const contract = await anybody.get('/openapi.json');
  expect(contract.body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/) });
  expect((await anybody.get('/problems/inventory_unavailable')).status).toBe(200);
  for (const part of ['gateway', 'booking', 'payment', 'notification'] as const) {
    const metrics = await createApiClient(stack.url(part)).get('/metrics');
    expect([metrics.status, metrics.text]).toEqual([200, expect.stringContaining('# TYPE')]);
  }
});

test('no secret of all this is in any log line or event', async () => {
  const lines = stack.parts.flatMap((part) => stack.process(part).lines);
  const events = await query<{ payload: string }>(
    stack,
    `select payload from booking.outbox union all select payload from payment.outbox
      union all select payload from notification.outbox`,
  );
  const written = [...lines, ...events.map(({ payload }) => payload)];
  expect([lines.length > 50, events.length > 20]).toEqual([true, true]);
  const secrets = [PASSWORD, stack.admin.password, stack.internalSecret, ...stack.secrets];
  for (const secret of secrets) expect(written.filter((line) => line.includes(secret))).toEqual([]);
  // Tokens, assertions and signatures, by their looks.
  expect(written.filter((line) => /eyJ[\w-]{10,}\.|\bv1=[0-9a-f]{64}|"holdfast-assertion":"[^[]/.test(line))).toEqual(
    [],
  );
});
