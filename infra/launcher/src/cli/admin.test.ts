import { expect, test } from '@jest/globals';
import { administer } from './admin.ts';

const RUTH = { id: 'usr_1', email: 'ruth@example.com', role: 'admin' };

/** A gateway that answers by method and path. */
function tools(answers: Readonly<Record<string, unknown>>) {
  const asked: [string, unknown?][] = [];
  const call = <T>(what: string, body?: unknown): Promise<T> => {
    asked.push(body === undefined ? [what] : [what, body]);
    return what in answers ? Promise.resolve(answers[what] as T) : Promise.reject(new Error(`refused ${what}`));
  };
  const api = {
    get: <T>(path: string) => call<T>(`GET ${path}`),
    post: <T>(path: string, body: unknown) => call<T>(`POST ${path}`, body),
    patch: <T>(path: string, body: unknown) => call<T>(`PATCH ${path}`, body),
  };
  return { asked, with: { api, anonymous: api, readPassword: () => Promise.resolve('a long password') } };
}

const REGISTERED = { 'POST /v1/auth/register': { user: RUTH, refresh_token: 'r' }, 'POST /v1/auth/logout': null };

test('create makes an account, gives it the role, and leaves no session', async () => {
  const gateway = tools({ ...REGISTERED, 'PATCH /v1/users/usr_1/role': RUTH });
  const { lines } = await administer(gateway.with, ['create', RUTH.email, 'Ruth', 'Adeyemi']);
  expect(lines).toEqual(['ruth@example.com is admin  usr_1']);
  expect(gateway.asked).toEqual([
    ['POST /v1/auth/register', { email: RUTH.email, password: 'a long password', name: 'Ruth Adeyemi' }],
    ['PATCH /v1/users/usr_1/role', { role: 'admin' }],
    ['POST /v1/auth/logout', { refresh_token: 'r' }],
  ]);
});

test('an account that does not get its role is told, with what finishes it', async () => {
  await expect(administer(tools(REGISTERED).with, ['create', RUTH.email])).rejects.toThrow(
    'admin role ruth@example.com admin finishes it',
  );
});

test('a role is given to who has the address', async () => {
  const found = { 'GET /v1/users?email=ruth%40example.com': { data: [RUTH] }, 'PATCH /v1/users/usr_1/role': RUTH };
  expect((await administer(tools(found).with, ['role', RUTH.email, 'admin'])).json).toEqual(RUTH);
  const nobody = tools({ 'GET /v1/users?email=ruth%40example.com': { data: [] } });
  await expect(administer(nobody.with, ['role', RUTH.email, 'admin'])).rejects.toThrow('nobody has the address');
});

test.each([[[]], [['create']], [['role', RUTH.email]], [['role', RUTH.email, 'king']], [['rotate-keys', 'cars']]])(
  '%j is refused before anything is asked',
  async (operands) => {
    const gateway = tools({});
    await expect(administer(gateway.with, operands)).rejects.toMatchObject({ exitCode: 64 });
    expect(gateway.asked).toEqual([]);
  },
);
