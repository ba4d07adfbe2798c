import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  deadLetterGroupList,
  deadLetterInFull,
  deadLetterList,
  type DeadLetterInFullJson,
} from '@holdfast/shared/contracts/dead-letters';
import { newId } from '@holdfast/shared/ids';
import { ADMIN, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let operator: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  const { json } = await gateway.call('/v1/auth/login', { body: ADMIN });
  operator = json.access_token;
});
afterAll(() => gateway.stop());

const get = (path: string, token = operator) => gateway.call(`/v1/ops/dead-letters${path}`, { token });
const letter = (service: string): DeadLetterInFullJson => ({
  ...{ id: newId('dlq'), object: 'dead_letter', service, consumer: `${service}-x`, type: null, cause: 'malformed' },
  ...{ error: 'for a test', attempts: 1, state: 'OPEN', event_id: 'e', ordering_key: null, family: null },
  ...{ sequence: null, created_at: '2027-01-01T00:00:00.000Z', subject: 's', payload: 'p', waiting: 0, acts: [] },
});
const NOT_FOUND = () => ({ status: 404, body: '{}' });

/** A service that has these letters, newest first, and answers as the real one does. */
function has(letters: readonly DeadLetterInFullJson[]) {
  return (request: { readonly url: string }) => {
    const url = new URL(request.url, 'http://service');
    const limit = Number(url.searchParams.get('limit'));
    const cursor = url.searchParams.get('cursor');
    const before = cursor ? (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string])[0] : '~';
    const rest = letters.filter(({ id }) => id < before);
    const answer = { object: 'list', data: rest.slice(0, limit), has_more: rest.length > limit, next_cursor: null };
    return { body: JSON.stringify(answer) };
  };
}

test.each([1, 2, 3, 5, 100])('pages of %i over all services show each letter once, newest first', async (limit) => {
  const made = ['booking', 'payment', 'payment', 'booking', 'booking'].map(letter).reverse();
  gateway.booking.behave(has(made.filter(({ service }) => service === 'booking')));
  gateway.payment.behave(has(made.filter(({ service }) => service === 'payment')));
  const seen: string[] = [];
  for (let cursor: string | null = '', pages = 0; cursor !== null && pages < 10; pages += 1) {
    const { status, text } = await get(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    const page = deadLetterList.strict().parse(JSON.parse(text));
    expect(page.data.length).toBeLessThanOrEqual(limit);
    expect(page.has_more).toBe(page.next_cursor !== null);
    // Nobody listens where this gateway looks for it.
    expect(page.unreachable).toEqual(['notification']);
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(made.map(({ id }) => id));
});

test('with service= it alone is asked, with the same filters', async () => {
  gateway.booking.behave(has([]));
  gateway.payment.behave(has([letter('payment')]));
  const before = gateway.booking.seen.length;
  const { text } = await get('?service=payment&cause=malformed&type=holdfast.checkout.x.v1');
  expect(deadLetterList.parse(JSON.parse(text))).toMatchObject({ data: [{ service: 'payment' }], unreachable: [] });
  expect(gateway.booking.seen).toHaveLength(before);
  const asked = new URL(gateway.payment.seen.at(-1)!.url, 'http://service').searchParams;
  expect(Object.fromEntries(asked)).toEqual({ limit: '20', cause: 'malformed', type: 'holdfast.checkout.x.v1' });
});

test('groups of all services are one list, the largest first', async () => {
  const at = '2027-01-01T00:00:00.000Z';
  const group = (service: string, count: number) => ({
    body: JSON.stringify({
      groups: [
        { service, consumer: 'c', type: null, cause: 'malformed', count, oldest_at: at, newest_at: at, error: '' },
      ],
    }),
  });
  gateway.booking.behave(() => group('booking', 2));
  gateway.payment.behave(() => group('payment', 3));
  const { data, unreachable } = deadLetterGroupList.parse(JSON.parse((await get('/groups')).text));
  expect(data.map(({ service, count }) => `${service} ${count}`)).toEqual(['payment 3', 'booking 2']);
  expect(unreachable).toEqual(['notification']);
});

test('one is found wherever it is, and a service that is away leaves open whether there is none', async () => {
  const there = letter('payment');
  gateway.booking.behave(NOT_FOUND);
  gateway.payment.behave(() => ({ body: JSON.stringify(there) }));
  expect(deadLetterInFull.parse(JSON.parse((await get(`/${there.id}`)).text))).toEqual(there);
  gateway.payment.behave(NOT_FOUND);
  const open = await get(`/${there.id}`);
  expect([open.status, open.json.code]).toEqual([503, 'dependency_unavailable']);
  expect((await get('/nonsense')).status).toBe(404);
});

test.each(['?service=gateway', '?state=GONE', '?colour=red', '?cursor=nonsense', '?limit=0', '?cause=%00'])(
  '%s is refused, and nobody is asked',
  async (query) => {
    const before = gateway.booking.seen.length;
    expect((await get(query)).status).toBe(422);
    expect(gateway.booking.seen).toHaveLength(before);
  },
);

test('it is for operators', async () => {
  const { access } = await gateway.signUp();
  for (const path of ['', '/groups', `/${newId('dlq')}`]) {
    expect((await get(path, access)).status).toBe(403);
    expect((await gateway.call(`/v1/ops/dead-letters${path}`)).status).toBe(401);
  }
});
