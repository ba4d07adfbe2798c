import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  auditEntry,
  auditList,
  auditVerification,
  type AuditChainStateJson,
  type AuditEntryJson,
} from '@holdfast/shared/contracts/audit';
import { newId } from '@holdfast/shared/ids';
import { until } from '@holdfast/shared/testing/until';
import { ADMIN, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let admin: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  admin = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});
afterAll(() => gateway.stop());

const get = (path: string, token = admin) => gateway.call(`/v1/ops/audit${path}`, { token });
const list = async (query: string) => auditList.strict().parse(JSON.parse((await get(query)).text));

const entry = (service: string): AuditEntryJson => ({
  ...{
    id: newId('aud'),
    object: 'audit_entry',
    service,
    at: '2027-01-01T00:00:00.000Z',
    actor: 'usr_x',
    role: 'admin',
  },
  ...{ action: 'update', entity: { kind: 'venue', id: 'ven_x' }, before: { name: 'First' }, after: { name: 'Second' } },
  ...{ reason: null, request_id: 'req_x', chain: null },
});
const pageOf = (...data: AuditEntryJson[]) => ({
  body: JSON.stringify({ object: 'list', data, has_more: false, next_cursor: null }),
});
const chain = (service: string, status: AuditChainStateJson['status'] = 'ok') => ({
  body: JSON.stringify({
    ...{ service, status, started_at: null, older: 0, head: null, verified_through: 0, waiting: 0, broken: [] },
  } satisfies AuditChainStateJson),
});
const NOT_FOUND = () => ({ status: 404, body: '{}' });

/** Makes somebody an operator, which the gateway's own log then has. */
async function promoted(): Promise<{ userId: string; access: string }> {
  const { userId, access } = await gateway.signUp();
  const body = { role: 'operator' };
  const { status } = await gateway.call(`/v1/users/${userId}/role`, { method: 'PATCH', token: admin, body });
  expect(status).toBe(200);
  return { userId, access };
}

test('the logs of all services and its own are one list, newest first', async () => {
  const made = [entry('booking'), entry('payment'), entry('booking')];
  gateway.booking.behave(() => pageOf(made[2]!, made[0]!));
  gateway.payment.behave(() => pageOf(made[1]!));
  const { userId } = await promoted();
  const { data, unreachable, has_more } = await list('?limit=4');
  expect(data.map(({ id }) => id)).toEqual([data[0]!.id, made[2]!.id, made[1]!.id, made[0]!.id]);
  expect(data[0]).toMatchObject({
    ...{ service: 'gateway', action: 'change_role', role: 'admin', entity: { kind: 'user', id: userId } },
    ...{ before: { role: 'customer' }, after: { role: 'operator' } },
  });
  expect(unreachable).toEqual(['notification']);
  expect(has_more).toBe(false);
});

test('by object and by actor, each service is asked the same, and of one service it alone', async () => {
  const { userId } = await promoted();
  gateway.booking.behave(() => pageOf());
  gateway.payment.behave(() => pageOf());
  const { data } = await list(`?entity=${userId}`);
  expect(data.map(({ service, entity }) => [service, entity.id])).toEqual([['gateway', userId]]);
  const asked = new URL(gateway.booking.seen.at(-1)!.url, 'http://service').searchParams;
  expect(Object.fromEntries(asked)).toEqual({ limit: '20', entity: userId });
  const { actor } = data[0]!;
  expect((await list(`?actor=${actor}&service=gateway`)).data.length).toBeGreaterThan(0);
  expect((await list(`?actor=${newId('usr')}&service=gateway`)).data).toEqual([]);
  const before = gateway.booking.seen.length;
  expect((await list('?service=gateway')).unreachable).toEqual([]);
  expect(gateway.booking.seen).toHaveLength(before);
});

test('its own entries are chained, and the chain is whole', async () => {
  const { userId } = await promoted();
  gateway.booking.behave(() => chain('booking'));
  gateway.payment.behave(() => chain('payment'));
  const chained = await until('the entry is in the chain', async () => {
    const { data } = await list(`?entity=${userId}&service=gateway`);
    return data[0]!.chain && data[0];
  });
  const one = await get(`/verify?service=gateway&seq=${chained.chain!.seq}&hash=${chained.chain!.hash}`);
  expect(auditVerification.strict().parse(JSON.parse(one.text))).toMatchObject({
    ...{ status: 'ok', unreachable: [], services: [{ service: 'gateway', status: 'ok', broken: [] }] },
  });
  const all = auditVerification.strict().parse(JSON.parse((await get('/verify')).text));
  expect(all).toMatchObject({ status: 'incomplete', unreachable: ['notification'] });
  gateway.payment.behave(() => chain('payment', 'broken'));
  expect(JSON.parse((await get('/verify')).text)).toMatchObject({ status: 'broken' });
});

test('one is found wherever it is, and a service that is away leaves open whether there is none', async () => {
  const there = entry('payment');
  gateway.booking.behave(NOT_FOUND);
  gateway.payment.behave(() => ({ body: JSON.stringify(there) }));
  expect(auditEntry.parse(JSON.parse((await get(`/${there.id}`)).text))).toEqual(there);
  gateway.payment.behave(NOT_FOUND);
  expect(await get(`/${there.id}`)).toMatchObject({ status: 503, json: { code: 'dependency_unavailable' } });
  expect((await get('/nonsense')).status).toBe(404);
});

test('an entry of the catalogue is restored by booking, and its refusal is passed on with its fields', async () => {
  const there = entry('booking');
  const restored = { id: 'ven_x', version: 3 };
  const errors = [{ pointer: '/venue_id', code: 'immutable', message: 'cannot be changed' }];
  let refuse = false;
  gateway.payment.behave(NOT_FOUND);
  gateway.booking.behave(({ method }) => {
    if (method === 'GET') return { body: JSON.stringify(there) };
    if (!refuse) return { body: JSON.stringify(restored) };
    return { status: 422, body: JSON.stringify({ code: 'validation_failed', detail: 'so', errors }) };
  });
  const restore = () =>
    gateway.call(`/v1/ops/audit/${there.id}/restore`, { token: admin, body: { reason: 'a slip of the hand' } });
  const done = await restore();
  expect([done.status, JSON.parse(done.text)]).toEqual([200, restored]);
  const sent = gateway.booking.seen.at(-1)!;
  expect([sent.method, sent.url]).toEqual(['POST', `/internal/audit/${there.id}/restore`]);
  expect(JSON.parse(sent.body.toString())).toEqual({ reason: 'a slip of the hand' });
  refuse = true;
  expect(await restore()).toMatchObject({ status: 422, json: { code: 'validation_failed', errors } });
});

test('what another service did is not restored', async () => {
  gateway.booking.behave(NOT_FOUND);
  gateway.payment.behave(NOT_FOUND);
  const { userId } = await promoted();
  const [own] = (await list(`?entity=${userId}&service=gateway`)).data;
  const { status, json } = await gateway.call(`/v1/ops/audit/${own!.id}/restore`, { token: admin, body: {} });
  expect([status, json.code]).toEqual([409, 'audit_not_restorable']);
});

test.each([
  '?service=mail',
  '?colour=red',
  '?cursor=nonsense',
  '?limit=0',
  '?actor=%00',
  '/verify?after=3',
  '/verify?service=booking&seq=3',
  '/verify?service=booking&seq=3&hash=abc',
  '/verify?service=booking&after=-1',
])('%s is refused, and nobody is asked', async (query) => {
  const before = gateway.booking.seen.length;
  expect((await get(query)).status).toBe(422);
  expect(gateway.booking.seen).toHaveLength(before);
});

test('it is for operators', async () => {
  const { access } = await gateway.signUp();
  for (const path of ['', '/verify', `/${newId('aud')}`]) {
    expect((await get(path, access)).status).toBe(403);
    expect((await gateway.call(`/v1/ops/audit${path}`)).status).toBe(401);
  }
  const restore = { token: access, body: {} };
  expect((await gateway.call(`/v1/ops/audit/${newId('aud')}/restore`, restore)).status).toBe(403);
});
