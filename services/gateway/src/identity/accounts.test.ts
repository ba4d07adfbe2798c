import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const DAY_MS = 86_400_000;
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  gateway.call(path, { body, headers });
const me = (token: string) => gateway.call('/v1/auth/me', { token });
const register = (password: string) =>
  post('/v1/auth/register', { email: `p${Math.random()}@example.com`, password, name: 'P' });

describe('a password', () => {
  test.each([
    ['eleven chars', '12345678901', 'too_small'],
    ['a keyboard row', '1qaz2wsx3edc', 'common_password'],
    ['a common one in capitals', 'Unbelievable', 'common_password'],
    ['a common one twice', 'monkeymonkey', 'common_password'],
    ['two common ones', 'dragonmaster', 'common_password'],
    ['two common ones with a sign', 'password-123456', 'common_password'],
    ['digits in a row', '345678901234', 'common_password'],
    ['one letter', 'aaaaaaaaaaaaaa', 'common_password'],
  ])('that is %s is refused', async (_what, password, code) => {
    const { status, json } = await register(password);
    expect([status, json.errors]).toEqual([422, [expect.objectContaining({ pointer: '/password', code })]]);
  });

  test('that is the address is refused', async () => {
    const email = 'long.address.of.me@example.com';
    for (const password of [email, 'Long.Address.of.me']) {
      expect((await post('/v1/auth/register', { email, password, name: 'P' })).status).toBe(422);
    }
  });

  test.each([12, 64, 128])('of %i characters is taken, and every one of them counts', async (length) => {
    const password = 'kX7 öß'.repeat(30).slice(0, length - 1);
    const { status, json } = await register(`${password}X`);
    expect(status).toBe(201);
    const email = (json.user as unknown as { email: string }).email;
    expect((await post('/v1/auth/login', { email, password: `${password}X` })).status).toBe(200);
    expect((await post('/v1/auth/login', { email, password: `${password}Y` })).status).toBe(401);
  });

  test('of 1 MiB is refused without being hashed', async () => {
    expect((await register('x'.repeat(1024 * 1024))).status).toBe(413);
    expect((await register('x'.repeat(129))).status).toBe(422);
  });

  test('is stored as argon2id with at least 19 MiB and two passes', async () => {
    const hashes = await gateway.rows<{ password_hash: string }>('select password_hash from users');
    expect(hashes.length).toBeGreaterThan(0);
    for (const { password_hash: hash } of hashes) {
      const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(hash)!;
      expect([Number(memory) >= 19_456, Number(passes) >= 2]).toEqual([true, true]);
    }
  });
});

describe('the address of a new account', () => {
  test('is verified by the token of the mail, once', async () => {
    const { access, email } = await gateway.signUp();
    expect((await me(access)).json.user.email_verified).toBe(false);
    const token = await gateway.mailedToken(email, 'email_verification_requested');
    expect((await post('/v1/auth/verify-email', { token })).status).toBe(204);
    expect((await me(access)).json.user.email_verified).toBe(true);
    const again = await post('/v1/auth/verify-email', { token });
    expect([again.status, again.json.code]).toEqual([422, 'mailed_token_invalid']);
  });

  test('is not verified after 48 hours, by another purpose, or by what nobody sent', async () => {
    const { access, email } = await gateway.signUp();
    const token = await gateway.mailedToken(email, 'email_verification_requested');
    const reset = await post('/v1/auth/password/reset', { token, password: 'a quite different phrase' });
    expect([reset.status, reset.json.code]).toEqual([422, 'mailed_token_invalid']);
    await gateway.database.advanceClock(2 * DAY_MS + 1000);
    for (const bad of [token, `${token}x`, 'hmt_', "' or 1=1 --"]) {
      expect((await post('/v1/auth/verify-email', { token: bad })).json.code).toBe('mailed_token_invalid');
    }
    expect((await me(access)).json.user.email_verified).toBe(false);
  });

  test('brings an event in which nobody can read the token, and a row that holds only its hash', async () => {
    const { email } = await gateway.signUp();
    const token = await gateway.mailedToken(email, 'email_verification_requested');
    const written = JSON.stringify([
      await gateway.rows('select payload from outbox'),
      await gateway.rows("select encode(hash, 'escape') as hash from one_time_tokens"),
    ]);
    expect(written).toContain('sealed_token');
    expect(written).not.toContain(token);
  });
});

describe('a forgotten password', () => {
  const forgot = (email: string) => post('/v1/auth/password/forgot', { email });
  const resetEvents = () =>
    gateway.rows(
      `select id from outbox where payload::jsonb ->> 'type' = 'holdfast.account.password_reset_requested.v1'`,
    );

  test('is asked for with one answer for known and unknown addresses, and only known ones get a mail', async () => {
    const { email } = await gateway.signUp();
    const before = (await resetEvents()).length;
    const [known, unknown] = [await forgot(email), await forgot('nobody@example.com')];
    expect([known.status, known.text]).toEqual([204, '']);
    expect([unknown.status, unknown.text]).toEqual([known.status, known.text]);
    const { mailed } = await gateway.service.resetMailer.runOnce();
    expect([0, 1]).toContain(mailed);
    expect((await resetEvents()).length).toBe(before + 1);
    expect(await gateway.rows('select email from password_reset_requests')).toEqual([]);
  });

  test('is asked for with the same work, whoever asks: one row, and no look at the accounts', async () => {
    await gateway.service.resetMailer.stop();
    const { email } = await gateway.signUp();
    const seen = () => gateway.rows('select email from password_reset_requests order by email');
    await forgot(email);
    await forgot('nobody@example.com');
    await forgot('nobody@example.com');
    expect(await seen()).toEqual(
      [{ email: 'nobody@example.com' }, { email }].sort((a, b) => (a.email < b.email ? -1 : 1)),
    );
    await gateway.service.resetMailer.runOnce();
    expect(await seen()).toEqual([]);
  });

  test('asked for again within a minute brings no second mail', async () => {
    const { email } = await gateway.signUp();
    const before = (await resetEvents()).length;
    for (let i = 0; i < 3; i += 1) {
      await forgot(email);
      await gateway.service.resetMailer.runOnce();
    }
    expect((await resetEvents()).length).toBe(before + 1);
    await gateway.database.advanceClock(61_000);
    await forgot(email);
    await gateway.service.resetMailer.runOnce();
    expect((await resetEvents()).length).toBe(before + 2);
  });

  async function withToken() {
    const person = await gateway.signUp();
    await forgot(person.email);
    await gateway.service.resetMailer.runOnce();
    return { ...person, token: await gateway.mailedToken(person.email, 'password_reset_requested') };
  }

  test('is replaced by the token of the mail: all sessions end, and the address is verified', async () => {
    const { email, password, access, refresh, token } = await withToken();
    const next = 'three unusual green words';
    expect((await post('/v1/auth/password/reset', { token, password: next })).status).toBe(204);
    expect((await me(access)).status).toBe(401);
    expect((await post('/v1/auth/refresh', { refresh_token: refresh })).status).toBe(401);
    expect((await post('/v1/auth/login', { email, password })).status).toBe(401);
    const login = await post('/v1/auth/login', { email, password: next });
    expect([login.status, login.json.user.email_verified]).toEqual([200, true]);
    const told = await gateway.rows(
      `select id from outbox where payload::jsonb ->> 'type' = 'holdfast.account.password_changed.v1'
          and payload::jsonb -> 'data' -> 'contact' ->> 'email' = $1`,
      [email],
    );
    expect(told).toHaveLength(1);
    expect((await post('/v1/auth/password/reset', { token, password: 'another unusual phrase' })).status).toBe(422);
  });

  test('is not replaced by a common one, and the token stays good', async () => {
    const { email, token } = await withToken();
    for (const password of ['1qaz2wsx3edc', email]) {
      expect((await post('/v1/auth/password/reset', { token, password })).json.code).toBe('validation_failed');
    }
    expect((await post('/v1/auth/password/reset', { token, password: 'three unusual words' })).status).toBe(204);
  });

  test('is not replaced after an hour', async () => {
    const { token } = await withToken();
    await gateway.database.advanceClock(3_601_000);
    expect((await post('/v1/auth/password/reset', { token, password: 'three unusual words' })).status).toBe(422);
  });

  test('by twenty at once is replaced by one', async () => {
    const { token } = await withToken();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => post('/v1/auth/password/reset', { token, password: `unusual words ${i}` })),
    );
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  });
});

describe('sessions', () => {
  const list = async (token: string) =>
    (await gateway.call('/v1/auth/sessions', { token })).json.data as {
      id: string;
      device: string;
      current: boolean;
    }[];

  test('are listed with device and last use, and which one is this', async () => {
    const { email, password, access } = await gateway.signUp();
    const phone = { 'user-agent': 'Phone/1.0' };
    const second = (await post('/v1/auth/login', { email, password }, phone)).json;
    expect(await list(access)).toMatchObject([
      { object: 'session', device: 'Phone/1.0', address: '127.0.0.1', current: false },
      { device: null, current: true },
    ]);
    const before = (await list(access))[0] as unknown as { last_used_at: string };
    await gateway.database.advanceClock(60_000);
    await post('/v1/auth/refresh', { refresh_token: second.refresh_token }, phone);
    const after = (await list(access))[0] as unknown as { last_used_at: string };
    expect(Date.parse(after.last_used_at) - Date.parse(before.last_used_at)).toBeGreaterThan(59_000);
  });

  test('go page by page', async () => {
    const { email, password, access } = await gateway.signUp();
    for (let i = 0; i < 2; i += 1) await post('/v1/auth/login', { email, password });
    const first = await gateway.call('/v1/auth/sessions?limit=2', { token: access });
    expect(first.json).toMatchObject({ object: 'list', has_more: true });
    const cursor = (first.json as unknown as { next_cursor: string }).next_cursor;
    const second = await gateway.call(`/v1/auth/sessions?limit=2&cursor=${cursor}`, { token: access });
    expect([second.json.data.length, second.json]).toMatchObject([1, { has_more: false, next_cursor: null }]);
  });

  test('end one by one, at once', async () => {
    const { email, password, access } = await gateway.signUp();
    const other = (await post('/v1/auth/login', { email, password })).json;
    const { id } = (await list(access)).find(({ current }) => !current)!;
    const end = () => gateway.call(`/v1/auth/sessions/${id}`, { method: 'DELETE', token: access });
    expect((await end()).status).toBe(204);
    expect((await end()).status).toBe(404);
    expect((await me(other.access_token)).status).toBe(401);
    expect((await me(access)).status).toBe(200);
    expect((await list(access)).map((session) => session.current)).toEqual([true]);
  });

  test('of somebody else are not there', async () => {
    const [ann, bob] = [await gateway.signUp(), await gateway.signUp()];
    const { id } = (await list(ann.access))[0]!;
    for (const wrong of [id, 'ses_1', 'usr_x', '..%2f', id.toUpperCase()]) {
      const answer = await gateway.call(`/v1/auth/sessions/${wrong}`, { method: 'DELETE', token: bob.access });
      expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
    }
    expect((await me(ann.access)).status).toBe(200);
  });

  test('are refreshed again within 10 s by the same program only; another one ends the family', async () => {
    const { refresh } = await gateway.signUp();
    const refreshAs = (agent: string) => post('/v1/auth/refresh', { refresh_token: refresh }, { 'user-agent': agent });
    const first = await refreshAs('Browser/1');
    expect((await refreshAs('Browser/1')).json.refresh_token).toBe(first.json.refresh_token);
    expect((await refreshAs('curl/8')).json.code).toBe('refresh_reused');
    expect((await refreshAs('Browser/1')).json.code).toBe('refresh_invalid');
    expect((await me(first.json.access_token)).status).toBe(401);
  });
});

test('the pages of the mails ask nobody else, and are no place for a token', async () => {
  for (const path of ['/account/verify-email', '/account/reset-password']) {
    const { status, headers, text } = await gateway.call(path);
    expect([status, headers['content-type'], headers['referrer-policy']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-referrer',
    ]);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    for (const [, source] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([source, (await gateway.call(source!)).status]).toEqual([source, 200]);
    }
  }
});

test('what is refused is counted by reason, and the reasons tell nothing of accounts', async () => {
  const counted = async (): Promise<Record<string, number>> => {
    const { text } = await gateway.call('/metrics');
    const samples = text.matchAll(/^holdfast_identity_refusals_total\{.*?reason="(\w+)".*?\} (\d+)/gm);
    return Object.fromEntries([...samples].map(([, reason, count]) => [reason!, Number(count)]));
  };
  const before = await counted();
  const { email } = await gateway.signUp();
  await post('/v1/auth/login', { email, password: 'not the password' });
  await post('/v1/auth/login', { email: 'nobody@example.com', password: 'not the password' });
  await me('x.y.z');
  const after = await counted();
  expect((after['invalid_credentials'] ?? 0) - (before['invalid_credentials'] ?? 0)).toBe(2);
  expect((after['token_invalid'] ?? 0) - (before['token_invalid'] ?? 0)).toBe(1);
});
