import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { deadLetterReplay, deadLetterReplayPlan } from '@holdfast/shared/contracts/dead-letter-replays';
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
  ...{
    sequence: null,
    created_at: '2027-01-01T00:00:00.000Z',
    subject: 's',
    payload: 'p',
    headers: {},
    errors: [],
    waiting: 0,
    acts: [],
  },
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

const part = (id: string, service: string, over: object = {}) => ({
  ...{ id, service, state: 'RUNNING', rate_per_second: 5, actor: 'usr_x', created_at: '2027-01-01T00:00:00.000Z' },
  ...{ filter: {}, finished_at: null, total: 4, waiting: 3, replayed: 1, skipped: 0, took_effect: 1, failed_again: 0 },
  ...over,
});
const post = (path: string, body: object, token = operator) =>
  gateway.call(`/v1/ops/dead-letters${path}`, { token, body });

test('a dry run counts in all services, and says who did not answer', async () => {
  gateway.booking.behave(() => ({ body: JSON.stringify({ service: 'booking', replayable: 2, unreadable: 1 }) }));
  gateway.payment.behave(() => ({ body: JSON.stringify({ service: 'payment', replayable: 3, unreadable: 0 }) }));
  const { status, text } = await post('/replay', { filter: { cause: 'permanent' }, dry_run: true });
  expect(status).toBe(200);
  expect(deadLetterReplayPlan.strict().parse(JSON.parse(text))).toMatchObject({
    ...{ total: 5, unreadable: 1, unreachable: ['notification'] },
  });
  const sent = JSON.parse(gateway.booking.seen.at(-1)!.body.toString()) as object;
  expect(sent).toMatchObject({ filter: { cause: 'permanent' }, dry_run: true, rate_per_second: 10 });
});

test('a replay is one job in all services, whose progress is read and which is stopped', async () => {
  let state = 'RUNNING';
  const behave = (service: 'booking' | 'payment') =>
    gateway[service].behave(({ method, url, body }) => {
      if (url.endsWith('/stop')) state = 'STOPPED';
      const asked = method === 'POST' ? (JSON.parse(body.toString()) as { id?: string }) : {};
      const id = asked.id ?? url.split('/')[4]!;
      return { body: JSON.stringify(part(id, service, service === 'booking' ? { state } : { state: 'DONE' })) };
    });
  behave('booking');
  behave('payment');
  const started = await post('/replay', { filter: {}, rate_per_second: 5 });
  expect(started.status).toBe(202);
  const job = deadLetterReplay.strict().parse(JSON.parse(started.text));
  expect(job).toMatchObject({ state: 'RUNNING', total: 8, waiting: 6, replayed: 2, unreachable: ['notification'] });
  expect(started.headers['location']).toBe(`/v1/ops/dead-letters/replays/${job.id}`);
  const path = `/replays/${job.id}`;
  expect(deadLetterReplay.strict().parse(JSON.parse((await get(path)).text))).toMatchObject({ id: job.id, total: 8 });
  const stopped = await post(`${path}/stop`, {});
  expect(JSON.parse(stopped.text)).toMatchObject({ state: 'STOPPED' });
  const over = await post(`${path}/stop`, {});
  expect([over.status, over.json.code]).toEqual([409, 'dead_letter_replay_over']);
});

test('a replay of one service asks it alone, and without any answer there is no job', async () => {
  gateway.payment.behave(({ body }) => {
    return { body: JSON.stringify(part((JSON.parse(body.toString()) as { id: string }).id, 'payment')) };
  });
  const before = gateway.booking.seen.length;
  const { text } = await post('/replay', { filter: { service: 'payment' } });
  expect(JSON.parse(text)).toMatchObject({ total: 4, unreachable: [] });
  expect(gateway.booking.seen).toHaveLength(before);
  const away = await post('/replay', { filter: { service: 'notification' } });
  expect([away.status, away.json.code]).toEqual([503, 'dependency_unavailable']);
});

test.each([
  {},
  { filter: { state: 'OPEN' } },
  { filter: { service: 'gateway' } },
  { filter: {}, rate_per_second: 0 },
  { filter: {}, rate_per_second: 101 },
  { filter: {}, rate_per_second: 1.5 },
  { filter: {}, dry_run: 'yes' },
  { filter: {}, all: true },
])('a replay of %j is refused, and nobody is asked', async (body) => {
  const before = gateway.booking.seen.length;
  expect((await post('/replay', body)).status).toBe(422);
  expect(gateway.booking.seen).toHaveLength(before);
});

test('it is for operators', async () => {
  const { access } = await gateway.signUp();
  for (const path of ['', '/groups', `/${newId('dlq')}`]) {
    expect((await get(path, access)).status).toBe(403);
    expect((await gateway.call(`/v1/ops/dead-letters${path}`)).status).toBe(401);
  }
  for (const path of ['/replay', `/replays/${newId('rpl')}/stop`]) {
    expect((await post(path, { filter: {} }, access)).status).toBe(403);
  }
});
