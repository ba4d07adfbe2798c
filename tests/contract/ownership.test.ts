import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Actor } from '../support/api-driver.ts';
import { collectionOf } from '../support/api-driver.ts';
import { aCaller, createApiClient, createAssertedClient } from '../support/api-client.ts';
import { bookPatiently } from '../support/book.ts';
import { halfHours, makePoolEvent, makeResource } from '../support/catalogue.ts';
import { driveStack, type DrivenStack } from '../support/driven-stack.ts';
import { query } from '../support/query.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

/**
 * What belongs to one customer, by collection, and what to everybody. A collection that stands in neither list fails the test below: who
 * adds a route with an id says whose it is, and gives an object of it.
 */
const EVERYBODYS = ['/v1/venues', '/v1/resources', '/v1/halls', '/v1/events', '/v1/webhooks'];
const OWNED = [
  '/v1/auth/sessions',
  '/v1/bookings',
  '/v1/bookings/reference',
  '/v1/payments',
  '/v1/series',
  '/v1/waitlist',
];

let stack: Stack;
let driven: DrivenStack;
/** One thing of Ann's in each owned collection. */
const annas: Record<string, string> = {};

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  driven = await driveStack(stack);
  const clientOf = (actor: Actor) =>
    createApiClient(stack.url('gateway'), () => ({ authorization: `Bearer ${actor.token}` }));
  const [admin, ann] = [clientOf(driven.admin), clientOf(driven.ann)];
  const pool = await makePoolEvent(admin, { capacity: 1 });
  const booking = await bookPatiently(ann, { event_id: pool, quantity: 1 });
  const net = await makeResource(admin);
  const series = await ann.post<{ id: string }>('/v1/series', {
    resource_id: net,
    starts_at: halfHours(1).starts_at.slice(0, 16),
    duration: 'PT30M',
    rrule: 'FREQ=DAILY;COUNT=3',
  });
  const wait = await ann.post<{ id: string }>('/v1/waitlist', { event_id: pool, quantity: 1 });
  const sessions = await ann.get<{ data: { id: string }[] }>('/v1/auth/sessions');
  Object.assign(annas, {
    '/v1/auth/sessions': sessions.body.data[0]!.id,
    '/v1/bookings': booking.id,
    '/v1/bookings/reference': booking.reference,
    '/v1/payments': booking.payment!.id,
    '/v1/series': series.body.id,
    '/v1/waitlist': wait.body.id,
  });
}, 60_000);
afterAll(() => stack?.stop());

const withParameter = () => driven.contract.operations.filter(({ path }) => path.includes('/{'));
/** What Ann has, as the tables say. */
const annasRows = () =>
  query(
    stack,
    `select (select array_agg((id, status, version) order by id) from booking.bookings)::text as bookings,
            (select array_agg((id, status) order by id) from payment.payments)::text as payments,
            (select count(*)::int from payment.refunds) as refunds,
            (select array_agg((id, revoked_at) order by id) from identity.sessions where id = $1)::text as sessions`,
    [annas['/v1/auth/sessions']],
  );

describe("somebody else's things", () => {
  test('are known for what they are: each route with an id says whose it is', () => {
    const unknown = withParameter().filter(({ path, role }) => {
      const collection = collectionOf(path);
      return role === null && ![...EVERYBODYS, ...OWNED].includes(collection);
    });
    expect(unknown.map(({ id }) => id)).toEqual([]);
    for (const collection of OWNED) expect([collection, annas[collection]]).toEqual([collection, expect.any(String)]);
  });

  test('are not there, on every route, whatever is sent with them', async () => {
    const { driver, bob } = driven;
    const before = await annasRows();
    const crossed: string[] = [];
    for (const operation of withParameter().filter(({ path }) => OWNED.includes(collectionOf(path)))) {
      const id = annas[collectionOf(operation.path)]!;
      const path = operation.path.replace(/\{\w+\}/, id);
      const requests = fc.sample(driver.requestOf(operation, bob, 'valid'), { numRuns: 60, seed: 1 });
      let looked = 0;
      for (const request of requests) {
        // A body that is refused for itself proves nothing about whose thing it is: others are tried.
        if (looked === 3) break;
        const search = request.path.includes('?') ? request.path.slice(request.path.indexOf('?')) : '';
        const answer = await driver.send({ ...request, path: path + search });
        // Who is no operator learns that first; a wrong body is refused before anything is looked up.
        const allowed = operation.role === null ? [404] : [403];
        const shown = [operation.id, request.body, answer.status, answer.text.slice(0, 200)];
        if (!allowed.includes(answer.status) && answer.status !== 422)
          expect(shown).toEqual([operation.id, request.body, allowed, '']);
        expect([operation.id, answer.text.includes(id) && operation.method === 'GET' && answer.status < 300]).toEqual([
          operation.id,
          false,
        ]);
        if (answer.status !== 422) {
          looked += 1;
          crossed.push(operation.id);
        }
      }
    }
    const all = withParameter().filter(({ path }) => OWNED.includes(collectionOf(path)));
    expect(all.map(({ id }) => id).filter((id) => !crossed.includes(id))).toEqual([]);
    expect(await annasRows()).toEqual(before);
  });

  test('are in no list, and no filter brings them', async () => {
    const { driver, contract, bob } = driven;
    const lists = contract.operations.filter(
      ({ method, path, access, role }) => method === 'GET' && !path.includes('{') && access === 'user' && role === null,
    );
    expect(lists.length).toBeGreaterThan(4);
    const [ann] = await query<{ id: string }>(stack, `select user_id as id from booking.bookings where id = $1`, [
      annas['/v1/bookings'],
    ]);
    for (const operation of lists) {
      const filters = operation.parameters.flatMap(({ name }) =>
        name === 'user_id'
          ? [`user_id=${ann!.id}`]
          : name === 'booking_id'
            ? [`booking_id=${annas['/v1/bookings']}`]
            : [],
      );
      for (const search of ['', ...filters]) {
        const answer = await driver.send(driver.compose(operation.id, bob, search === '' ? {} : { query: search }));
        expect([operation.id, search, answer.violations]).toEqual([operation.id, search, []]);
        for (const id of Object.values(annas)) {
          expect([operation.id, search, answer.status < 300 && answer.text.includes(id)]).toEqual([
            operation.id,
            search,
            false,
          ]);
        }
      }
    }
  });
});

describe("a service's port, reached without the gateway", () => {
  const SERVICES = ['booking', 'payment', 'notification'] as const;

  test('answers 401 on every public route, whatever the client claims to be', async () => {
    const claims = [
      {},
      { 'holdfast-assertion': 'x.y' },
      { authorization: `Bearer ${driven.admin.token}` },
      { 'x-user-id': 'usr_1', 'x-role': 'admin', 'holdfast-assertion': '' },
    ];
    for (const service of SERVICES) {
      const client = createApiClient(stack.url(service));
      for (const operation of driven.contract.operations.filter(({ path }) => path.startsWith('/v1/'))) {
        const path = operation.path.replaceAll(/\{\w+\}/g, 'x');
        for (const headers of claims) {
          const answer = await client.send(operation.method, path, {
            headers: { 'content-type': 'application/json', ...headers } as Record<string, string>,
            ...(operation.body ? { body: '{}' } : {}),
          });
          // Notification carries no public route out, so it has nothing there to be let in to.
          const expected = service === 'notification' ? [401, 404] : [401];
          expect([service, operation.id, expected.includes(answer.status)]).toEqual([service, operation.id, true]);
        }
      }
    }
  }, 60_000);

  test('answers 401 on every internal route, and to each gathered hold', async () => {
    for (const service of SERVICES) {
      for (const path of [
        '/internal/audit',
        '/internal/deliveries',
        '/internal/reconciliation',
        '/internal/anything',
      ]) {
        const answer = await createApiClient(stack.url(service)).get(path);
        expect([service, path, answer.status]).toEqual([service, path, 401]);
      }
    }
    const holds = await createApiClient(stack.url('booking')).post<{ answers: { status: number }[] }>(
      '/internal/holds',
      { commands: [{ assertion: 'x.y', key: 'k', deadline_ms: 1000, body: '{}' }] },
      { key: null },
    );
    const statuses = holds.status === 200 ? holds.body.answers.map(({ status }) => status) : [holds.status];
    expect(statuses).toEqual([401]);
  });

  test('believes no assertion that is old, of another secret, or changed', async () => {
    const paths = {
      booking: '/v1/bookings',
      payment: '/v1/payments?booking_id=x',
      notification: '/internal/deliveries',
    };
    for (const service of SERVICES) {
      const forged = createAssertedClient(stack.url(service), 'another secret, of the same good length', aCaller());
      expect([service, (await forged.get(paths[service])).status]).toEqual([service, 401]);
      const good = createAssertedClient(stack.url(service), stack.internalSecret, aCaller());
      expect([service, (await good.get(paths[service])).status === 401]).toEqual([service, false]);
    }
  });
});
