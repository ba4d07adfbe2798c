import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '@holdfast/shared/ids';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  token = (await gateway.signUp()).access;
});
afterAll(() => gateway.stop());
beforeEach(() => {
  gateway.booking.seen.length = 0;
  gateway.booking.behave(() => ({}));
});

describe.each(['venues', 'resources', 'halls', 'events'])('%s', (collection) => {
  const path = `/v1/${collection}/${newId('req').replace('req', 'x')}`;

  test.each([
    ['PATCH', '', { name: 'x' }],
    ['DELETE', '', undefined],
    ['POST', '/restore', {}],
  ])('%s %s passes with its version and its body', async (method, suffix, body) => {
    gateway.booking.behave(() => ({ headers: { etag: '"8"' } }));
    const answer = await gateway.call(`${path}${suffix}`, {
      method,
      token,
      headers: { 'if-match': '"7"' },
      ...(body ? { body } : {}),
    });
    expect([answer.status, answer.headers['etag']]).toEqual([200, '"8"']);
    const [seen] = gateway.booking.seen;
    expect([seen?.method, seen?.url, seen?.headers['if-match']]).toEqual([method, `${path}${suffix}`, '"7"']);
    expect(seen?.body.toString()).toBe(body ? JSON.stringify(body) : '');
  });

  test('nobody changes anything without signing in', async () => {
    for (const [method, suffix] of [
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/restore'],
    ] as const) {
      const answer = await gateway.call(`${path}${suffix}`, { method, ...(method === 'DELETE' ? {} : { body: {} }) });
      expect([method, answer.status]).toEqual([method, 401]);
    }
    expect(gateway.booking.seen).toHaveLength(0);
  });
});

describe('the import of a hall', () => {
  const path = '/v1/halls/import?venue_id=ven_1&name=Great%20hall';
  const csv = (raw: string | Buffer, type = 'text/csv') =>
    gateway.call(path, { method: 'POST', token, raw, headers: { 'content-type': type } });

  test('reaches the service byte for byte, with its query and its type', async () => {
    const bytes = Buffer.from('row,seats\r\n"A",3\n\xff', 'latin1');
    expect((await csv(bytes, 'text/csv; charset=utf-8')).status).toBe(200);
    const [seen] = gateway.booking.seen;
    expect([seen?.url, seen?.headers['content-type']]).toEqual([path, 'text/csv; charset=utf-8']);
    expect(seen?.body.equals(bytes)).toBe(true);
  });

  test('may have 1 MiB and is of no other type; no other route takes CSV', async () => {
    expect((await csv('x'.repeat(1024 * 1024))).status).toBe(200);
    expect((await csv('x'.repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await csv('{}', 'application/json')).status).toBe(415);
    const other = { method: 'POST', token, raw: 'a,b', headers: { 'content-type': 'text/csv' } };
    expect((await gateway.call('/v1/halls', other)).status).toBe(415);
    expect(gateway.booking.seen).toHaveLength(1);
  });
});
