import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { ADMIN, startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let second: Awaited<ReturnType<typeof startGatewayOn>>;
let admin: { token: string; id: string };
beforeAll(async () => {
  gateway = await startTestGateway();
  second = await startGatewayOn(gateway.database, { booking: gateway.booking.url, payment: gateway.payment.url });
  const { json } = await gateway.call('/v1/auth/login', { body: ADMIN });
  admin = { token: json.access_token, id: json.user.id };
});
afterAll(async () => {
  await second.stop();
  await gateway.stop();
});

const setRole = (id: string, role: unknown, token = admin.token, at = gateway.call) =>
  at(`/v1/users/${id}/role`, { method: 'PATCH', body: { role }, token });

/** The role that a service is told, as the assertion in its last request says. */
async function roleToldBy(at: TestGateway['call'], token: string): Promise<string> {
  await at('/v1/bookings', { token });
  const assertion = gateway.booking.seen.at(-1)!.headers['holdfast-assertion'] as string;
  return (JSON.parse(Buffer.from(assertion.split('.')[0]!, 'base64url').toString()) as { role: string }).role;
}

describe('a role', () => {
  test('that was given is effective on both gateways within 2 s, for tokens that name the old one', async () => {
    const { access, userId } = await gateway.signUp();
    expect(await roleToldBy(second.call, access)).toBe('customer');
    const { status, json } = await setRole(userId, 'operator');
    expect([status, json]).toMatchObject([200, { id: userId, role: 'operator' }]);
    expect(await roleToldBy(gateway.call, access)).toBe('operator');
    await until('the other gateway to know', async () => (await roleToldBy(second.call, access)) === 'operator', 2_000);
    expect((await gateway.call('/v1/auth/me', { token: access })).json.user.role).toBe('operator');
  });

  test('that was taken is gone on both gateways within 2 s', async () => {
    const { access, userId, email, password } = await gateway.signUp();
    await setRole(userId, 'admin');
    const { access_token: token } = (await gateway.call('/v1/auth/login', { body: { email, password } })).json;
    expect(await roleToldBy(second.call, token)).toBe('admin');
    expect((await setRole(userId, 'customer')).status).toBe(200);
    expect((await setRole(admin.id, 'customer', token)).status).toBe(403);
    await until('the other gateway to know', async () => (await roleToldBy(second.call, token)) === 'customer', 2_000);
    expect((await setRole(admin.id, 'customer', access, second.call)).status).toBe(403);
  });

  test('is changed by administrators only, of users that there are, to roles that there are', async () => {
    const { access, userId } = await gateway.signUp();
    const code = async (answer: ReturnType<typeof setRole>) => {
      const { status, json } = await answer;
      return `${status} ${json.code}`;
    };
    expect(await code(setRole(userId, 'admin', access))).toBe('403 forbidden');
    expect(await code(gateway.call(`/v1/users/${userId}/role`, { method: 'PATCH', body: { role: 'admin' } }))).toBe(
      '401 unauthenticated',
    );
    expect(await code(setRole(userId, 'root'))).toBe('422 validation_failed');
    expect(await code(setRole('usr_01k9aaaaaaaaaaaaaaaaaaaaaa', 'operator'))).toBe('404 not_found');
    for (const id of ['0', '-1', '1e3', userId.toUpperCase(), '%00', '..%2f']) {
      expect([id, await code(setRole(id, 'operator'))]).toEqual([id, '404 not_found']);
    }
    const both = await gateway.call(`/v1/users/${userId}/role`, {
      method: 'PATCH',
      token: admin.token,
      body: { role: 'operator', email: 'x@example.com' },
    });
    expect(both.json.errors.map(({ pointer }) => pointer)).toEqual(['/email']);
  });

  test('that changed is in the audit log with before and after, and the same role again is no change', async () => {
    const { userId } = await gateway.signUp();
    await setRole(userId, 'operator');
    await setRole(userId, 'operator');
    const entries = await gateway.rows(
      'select actor, role, action, before, after from audit_log where entity_id = $1',
      [userId],
    );
    expect(entries).toEqual([
      {
        actor: admin.id,
        role: 'admin',
        action: 'change_role',
        before: { id: userId, object: 'user', role: 'customer' },
        after: { id: userId, object: 'user', role: 'operator' },
      },
    ]);
    await expect(gateway.rows(`delete from audit_log where entity_id = $1`, [userId])).rejects.toThrow('only added to');
  });

  test('admin stays with the last who has it', async () => {
    const { status, json } = await setRole(admin.id, 'customer');
    expect([status, json.code]).toEqual([409, 'last_admin']);
  });

  test('admin stays with one of two who take it from each other at the same moment', async () => {
    const other = await gateway.signUp();
    await setRole(other.userId, 'admin');
    const login = { email: other.email, password: other.password };
    const fresh = (await gateway.call('/v1/auth/login', { body: login })).json.access_token;
    const answers = await Promise.all([setRole(admin.id, 'operator', fresh), setRole(other.userId, 'operator')]);
    // 403 when the first change was in effect before the second call was let in.
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect([403, 409]).toContain(answers.find(({ status }) => status !== 200)!.status);
    const left = await gateway.rows<{ id: string }>(`select id from users where role = 'admin'`);
    expect(left).toHaveLength(1);
    if (left[0]!.id !== admin.id) await setRole(admin.id, 'admin', fresh);
    else expect(left[0]!.id).toBe(admin.id);
  });
});
