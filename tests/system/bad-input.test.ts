import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ProblemBody } from '@holdfast/shared/problems';
import { newId } from '@holdfast/shared/ids';
import { createApiClient, type Answer, type ApiClient } from '../support/api-client.ts';
import { halfHours, makePoolEvent, makeResource, makeSeatsEvent, makeVenue } from '../support/catalogue.ts';
import { signInAdmin, signUp } from '../support/customers.ts';
import { query } from '../support/query.ts';
import { startStack, type Stack } from '../support/stack.ts';

let stack: Stack;
let admin: ApiClient;
let ada: ApiClient;
let anybody: ApiClient;
let seats: string;
let pool: string;
let net: string;
let bookingId: string;

beforeAll(async () => {
  stack = await startStack({ parts: ['gateway', 'booking', 'payment'] });
  anybody = createApiClient(stack.url('gateway'));
  admin = (await signInAdmin(stack)).api;
  ada = (await signUp(stack)).api;
  [seats, pool, net] = await Promise.all([
    makeSeatsEvent(admin, { seats: 20 }),
    makePoolEvent(admin, { capacity: 20, event: { max_per_booking: 4 } }),
    makeResource(admin, { min_slots: 2, max_slots: 4 }),
  ]);
  const held = await ada.post<{ id: string }>('/v1/bookings', { event_id: pool, quantity: 1 });
  bookingId = held.body.id;
  traces = await countTraces();
}, 60_000);
afterAll(() => stack?.stop());

let traces: unknown;
/** Everything that a refusal must leave alone. */
async function countTraces(): Promise<unknown> {
  const tables = [
    'bookings',
    'booking_history',
    'seat_claims',
    'slot_claims',
    'pool_claims',
    'pool_places',
    'outbox',
    'idempotency_keys',
    'checkout_sagas',
    'venues',
    'halls',
    'resources',
    'events',
  ];
  const counts = tables.map((table) => `(select count(*)::int from booking.${table}) as ${table}`);
  const [row] = await query(
    stack,
    `select ${counts.join(', ')}, (select sum(claimed)::int from booking.events) as claimed,
            (select count(*)::int from payment.outbox) as payment_outbox,
            (select count(*)::int from payment.provider_events) as callbacks`,
  );
  return row;
}
afterEach(async () => {
  // Whatever was refused left nothing behind.
  expect(await countTraces()).toEqual(traces);
});

function expectProblem(answer: Answer<unknown>, status: number, code: string, pointer?: string): void {
  const problem = answer.body as ProblemBody;
  expect([answer.status, problem?.code, problem?.errors?.[0]?.pointer]).toEqual([
    status,
    code,
    pointer ?? problem?.errors?.[0]?.pointer,
  ]);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(problem).toMatchObject({
    type: `/problems/${code}`,
    status,
    request_id: answer.headers.get('request-id'),
    retryable: false,
  });
  expect(problem.title.length > 0 && problem.detail.length > 0).toBe(true);
}

const raw = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  ada.send('POST', path, {
    headers: { 'content-type': 'application/json', 'idempotency-key': newId('req'), ...headers },
    body,
  });

describe('a body', () => {
  test.each(['/v1/bookings', '/v1/auth/register', '/v1/venues'])('that is no JSON: 400 at %s', async (path) => {
    const client = path === '/v1/venues' ? admin : ada;
    for (const body of ['{"event_id":', '{"a":1,}', "{'a':1}", '\u0000', '[1,2']) {
      const answer = await client.send('POST', path, {
        headers: { 'content-type': 'application/json', 'idempotency-key': newId('req') },
        body,
      });
      expectProblem(answer, 400, 'malformed_json');
    }
  });

  test('that is not UTF-8: 400', async () => {
    expectProblem(await raw('/v1/bookings', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, 'malformed_json');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonx',
  ])('of type %s: 415', async (type) => {
    const answer = await raw('/v1/bookings', JSON.stringify({ event_id: pool, quantity: 1 }), {
      'content-type': type,
    });
    expectProblem(answer, 415, 'unsupported_media_type');
  });

  test('of 64 KiB is read, one byte more is 413', async () => {
    const padded = (length: number) => {
      const body = JSON.stringify({ event_id: pool, quantity: 0 });
      return body + ' '.repeat(length - body.length);
    };
    expectProblem(await raw('/v1/bookings', padded(64 * 1024)), 422, 'validation_failed', '/quantity');
    expectProblem(await raw('/v1/bookings', padded(64 * 1024 + 1)), 413, 'payload_too_large');
    expectProblem(await raw(`/v1/bookings/${bookingId}/pay`, padded(64 * 1024 + 1)), 413, 'payload_too_large');
    expectProblem(await raw('/v1/auth/login', padded(64 * 1024 + 1)), 413, 'payload_too_large');
  });

  test.each([
    ['null', '/'],
    ['"text"', '/'],
    ['17', '/'],
  ])('that is %s and no object: 422', async (body) => {
    const answer = await raw('/v1/bookings', body);
    expect([answer.status, (answer.body as ProblemBody).code]).toEqual([422, 'validation_failed']);
  });
});

describe('a hold', () => {
  const event = () => ({ event_id: pool, quantity: 1 });

  test('without a key: 400; with an unusable one: 400', async () => {
    expectProblem(await ada.post('/v1/bookings', event(), { key: null }), 400, 'idempotency_key_missing');
    for (const key of ['', 'two words', 'k'.repeat(256)]) {
      expectProblem(await ada.post('/v1/bookings', event(), { key }), 400, 'idempotency_key_invalid');
    }
  });

  test('by nobody: 401 with WWW-Authenticate', async () => {
    for (const authorization of [undefined, 'Bearer x', 'Basic YTpi', 'Bearer eyJhbGciOiJub25lIn0.e30.']) {
      const answer = await anybody.post('/v1/bookings', event(), { headers: authorization ? { authorization } : {} });
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  test.each<[string, (ids: { seats: string; pool: string; net: string }) => object, string]>([
    ['an unknown field', (ids) => ({ event_id: ids.pool, quantity: 1, colour: 'red' }), '/colour'],
    ['two forms in one', (ids) => ({ event_id: ids.seats, seats: ['A-1'], quantity: 1 }), '/quantity'],
    ['no form', () => ({}), '/event_id'],
    ['quantity 0', (ids) => ({ event_id: ids.pool, quantity: 0 }), '/quantity'],
    ['a fraction', (ids) => ({ event_id: ids.pool, quantity: 1.5 }), '/quantity'],
    ['a number as text', (ids) => ({ event_id: ids.pool, quantity: '1' }), '/quantity'],
    ['no seats', (ids) => ({ event_id: ids.seats, seats: [] }), '/seats'],
    ['a label that is none', (ids) => ({ event_id: ids.seats, seats: ['A-1', 'A-01'] }), '/seats/1'],
    ['an id of another kind', (ids) => ({ event_id: ids.net, quantity: 1 }), '/event_id'],
    ['an id in capitals', (ids) => ({ event_id: ids.pool.toUpperCase(), quantity: 1 }), '/event_id'],
    [
      'a time without its zone',
      (ids) => ({ resource_id: ids.net, ...halfHours(2), starts_at: '2027-01-04T10:00:00' }),
      '/starts_at',
    ],
    [
      'an end before the start',
      (ids) => {
        const { starts_at: start, ends_at: end } = halfHours(2);
        return { resource_id: ids.net, starts_at: end, ends_at: start };
      },
      '/ends_at',
    ],
  ])('with %s: 422 and where', async (_, body, pointer) => {
    expectProblem(await ada.post('/v1/bookings', body({ seats, pool, net })), 422, 'validation_failed', pointer);
  });

  test.each([
    ['minus one', '-1'],
    ['more than a number can say exactly', '9007199254740993'],
    ['a number beyond all', '1e400'],
    ['a number with an exponent', '1e21'],
    ['null', 'null'],
    ['true', 'true'],
    ['a list', '[1]'],
  ])('of a quantity that is %s: 422', async (_, quantity) => {
    const answer = await raw('/v1/bookings', `{"event_id":"${pool}","quantity":${quantity}}`);
    expectProblem(answer, 422, 'validation_failed', '/quantity');
  });

  test.each(['NaN', 'Infinity', '01', '1.', '+1', '0x1'])(
    'of a quantity %s, which is no JSON: 400',
    async (quantity) => {
      expectProblem(await raw('/v1/bookings', `{"event_id":"${pool}","quantity":${quantity}}`), 400, 'malformed_json');
    },
  );

  test.each([
    ['in the year 10000', '10000-01-01T00:00:00Z'],
    ['in the year +10000', '+010000-01-01T00:00:00Z'],
    ['on 30 February', '2027-02-30T10:00:00Z'],
    ['at 25 o’clock', '2027-01-04T25:00:00Z'],
    ['by its date alone', '2027-01-04'],
    ['as a number', '1798796400000'],
  ])('of a time %s: 422', async (_, time) => {
    const { ends_at: end } = halfHours(2);
    const answer = await ada.post('/v1/bookings', { resource_id: net, starts_at: time, ends_at: end });
    expectProblem(answer, 422, 'validation_failed', '/starts_at');
  });

  test.each([
    ['{"event_id":"EVENT","quantity":1,"__proto__":{"role":"admin"}}', '/__proto__'],
    ['{"event_id":"EVENT","quantity":1,"constructor":{"prototype":{"role":"admin"}}}', '/constructor'],
    ['{"event_id":"EVENT","quantity":1,"price":1}', '/price'],
    ['{"event_id":"EVENT","quantity":1,"status":"CONFIRMED"}', '/status'],
    ['{"event_id":"EVENT","quantity":1,"category":"\\ud800"}', '/category'],
  ])('of %s: 422', async (body, pointer) => {
    expectProblem(await raw('/v1/bookings', body.replace('EVENT', pool)), 422, 'validation_failed', pointer);
  });

  test('of seats that the hall does not have, or twice: 422 and which', async () => {
    const hold = (labels: string[]) => ada.post('/v1/bookings', { event_id: seats, seats: labels });
    expectProblem(await hold(['A-1', 'Z-9']), 422, 'unknown_seat', '/seats/1');
    expectProblem(await hold(['A-21']), 422, 'unknown_seat', '/seats/0');
    expectProblem(await hold(['A-1', 'A-2', 'A-1']), 422, 'duplicate_seat', '/seats/2');
  });

  test('of too many places, or of a category that is not sold: 422', async () => {
    const hold = (body: object) => ada.post('/v1/bookings', body);
    expectProblem(await hold({ event_id: pool, quantity: 5 }), 422, 'too_many_places', '/quantity');
    expectProblem(await hold({ event_id: seats, quantity: 11 }), 422, 'too_many_places', '/quantity');
    expectProblem(await hold({ event_id: pool, quantity: 1, category: 'royal' }), 422, 'unknown_category');
    expectProblem(await hold({ event_id: pool, seats: ['A-1'] }), 422, 'inventory_mismatch');
  });

  test('of a time that cannot be booked: 422, a code for each', async () => {
    const day = halfHours(2).starts_at.slice(0, 10);
    const hold = (from: string, to: string) =>
      ada.post('/v1/bookings', { resource_id: net, starts_at: from, ends_at: to });
    expectProblem(await hold(`${day}T10:15:00Z`, `${day}T11:15:00Z`), 422, 'off_grid', '/starts_at');
    expectProblem(await hold(`${day}T10:00:00Z`, `${day}T11:20:00Z`), 422, 'off_grid');
    expectProblem(await hold(`${day}T05:00:00Z`, `${day}T06:00:00Z`), 422, 'outside_opening_hours', '/starts_at');
    expectProblem(await hold(`${day}T21:30:00Z`, `${day}T22:30:00Z`), 422, 'outside_opening_hours');
    expectProblem(await hold('2020-01-06T10:00:00Z', '2020-01-06T11:00:00Z'), 422, 'in_the_past', '/starts_at');
    expectProblem(await hold(`${day}T10:00:00Z`, `${day}T10:30:00Z`), 422, 'invalid_duration');
    expectProblem(await hold(`${day}T10:00:00Z`, `${day}T15:00:00Z`), 422, 'invalid_duration');
  });

  test('of what does not exist: 404', async () => {
    expectProblem(await ada.post('/v1/bookings', { event_id: newId('evt'), quantity: 1 }), 404, 'not_found');
    expectProblem(await ada.post('/v1/bookings', { resource_id: newId('res'), ...halfHours(2) }), 404, 'not_found');
  });
});

describe('an id', () => {
  const STRANGE = [
    'x',
    'bkg_',
    'bkg_8zzzzzzzzzzzzzzzzzzzzzzzzz',
    'BKG_01m7xnjpfne2xb64hnkmwk97k2',
    'bkg_01m7xnjpfne2xb64hnkmwk97k2%00',
    '..%2F..%2Fetc',
    "bkg_'%20or%201=1--",
    'bkg_01m7xnjpfne2xb64hnkmwk97k2'.padEnd(300, '2'),
    'null',
    '%F0%9F%8E%9F',
  ];

  test.each(STRANGE)('that is strange (%s): 404 wherever it stands', async (id) => {
    const answers = await Promise.all([
      ada.get(`/v1/bookings/${id}`),
      ada.get(`/v1/bookings/${id}/history`),
      ada.get(`/v1/bookings/reference/${id}`),
      ada.get(`/v1/payments/${id}`),
      ada.get(`/v1/events/${id}`),
      ada.get(`/v1/events/${id}/availability`),
      ada.get(`/v1/resources/${id}/availability?date=2027-01-04`),
      ada.get(`/v1/halls/${id}`),
      ada.get(`/v1/venues/${id}`),
      ada.post(`/v1/bookings/${id}/pay`, { payment_method: 'pm_card_visa' }),
      ada.post(`/v1/bookings/${id}/cancel`, { reason: 'a long enough reason' }),
    ]);
    for (const answer of answers) expectProblem(answer, 404, 'not_found');
  });
});

describe('a payment', () => {
  test.each<[object, string]>([
    [{ payment_method: 17 }, '/payment_method'],
    [{ payment_method: 'visa' }, '/payment_method'],
    [{}, '/payment_method'],
    [{ payment_method: 'pm_card_visa', amount: 1 }, '/amount'],
    [{ payment_method: 'pm_card_visa', allow_equivalent: 'yes' }, '/allow_equivalent'],
  ])('with %j: 422 and where', async (body, pointer) => {
    expectProblem(await ada.post(`/v1/bookings/${bookingId}/pay`, body), 422, 'validation_failed', pointer);
  });

  test('or a cancellation without a key: 400', async () => {
    const pay = await ada.post(`/v1/bookings/${bookingId}/pay`, { payment_method: 'pm_card_visa' }, { key: null });
    expectProblem(pay, 400, 'idempotency_key_missing');
    const cancel = await ada.post(`/v1/bookings/${bookingId}/cancel`, { reason: 'a good reason' }, { key: null });
    expectProblem(cancel, 400, 'idempotency_key_missing');
  });
});

describe('the catalogue', () => {
  test('is written by administrators alone', async () => {
    const venue = { name: 'Mine', time_zone: 'UTC', currency: 'EUR' };
    expectProblem(await ada.post('/v1/venues', venue), 403, 'forbidden');
    expectProblem(await anybody.post('/v1/venues', venue), 401, 'unauthenticated');
  });

  test.each<[string, object, string]>([
    ['/v1/venues', { name: '', time_zone: 'UTC', currency: 'EUR' }, '/name'],
    ['/v1/venues', { name: 'V', time_zone: 'Mars/Olympus', currency: 'EUR' }, '/time_zone'],
    ['/v1/venues', { name: 'V', time_zone: 'UTC', currency: 'euro' }, '/currency'],
    ['/v1/venues', { name: 'V', time_zone: 'UTC', currency: 'EUR', owner: 'me' }, '/owner'],
    ['/v1/venues', { name: 'V', time_zone: 'UTC', currency: 'eur' }, '/currency'],
    ['/v1/venues', { name: 'evil \u202e eman', time_zone: 'UTC', currency: 'EUR' }, '/name'],
    ['/v1/venues', { name: 'e' + '\u0301'.repeat(10_000), time_zone: 'UTC', currency: 'EUR' }, '/name'],
    ['/v1/venues', { name: 'a\u0000b', time_zone: 'UTC', currency: 'EUR' }, '/name'],
    ['/v1/venues', { name: 'a\ud800', time_zone: 'UTC', currency: 'EUR' }, '/name'],
  ])('POST %s with %j: 422 and where', async (path, body, pointer) => {
    expectProblem(await admin.post(path, body), 422, 'validation_failed', pointer);
  });

  test('refuses an event whose hall is elsewhere or not there', async () => {
    const venueId = await makeVenue(admin);
    traces = await countTraces();
    const answer = await admin.post('/v1/events', {
      venue_id: venueId,
      name: 'Nowhere',
      starts_at: '2027-05-01T18:00:00Z',
      ends_at: '2027-05-01T20:00:00Z',
      inventory: 'seats',
      hall_id: newId('hal'),
      prices: [{ category: 'standard', amount: 100 }],
    });
    expect([404, 422]).toContain(answer.status);
  });
});

test('a method that a path does not know: 405 with Allow; a path that nobody knows: 404', async () => {
  const answer = await ada.send('PUT', '/v1/bookings', { headers: { 'content-type': 'application/json' }, body: '{}' });
  expectProblem(answer, 405, 'method_not_allowed');
  expect(answer.headers.get('allow')).toContain('POST');
  expectProblem(await ada.get('/v1/nothing'), 404, 'not_found');
});

test('registration: 422 and where; a taken address: 409', async () => {
  const register = (body: object) => anybody.post('/v1/auth/register', body);
  const person = { email: 'eve@holdfast.test', password: 'long enough by now', name: 'Eve' };
  expectProblem(await register({ ...person, email: 'eve' }), 422, 'validation_failed', '/email');
  expectProblem(await register({ ...person, password: 'short' }), 422, 'validation_failed', '/password');
  expectProblem(await register({ ...person, name: '' }), 422, 'validation_failed', '/name');
  expectProblem(await register({ ...person, role: 'admin' }), 422, 'validation_failed', '/role');
  expect((await register(person)).status).toBe(201);
  expectProblem(await register({ ...person, email: 'EVE@holdfast.test' }), 409, 'email_taken');
  const login = await anybody.post('/v1/auth/login', { email: person.email, password: 'wrong password' });
  expectProblem(login, 401, 'invalid_credentials');
});
