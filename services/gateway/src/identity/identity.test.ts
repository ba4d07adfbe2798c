import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN, startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const refresh = (token: string) => gateway.call('/v1/auth/refresh', { body: { refresh_token: token } });
const me = (token: string) => gateway.call('/v1/auth/me', { token });

const rows = (sql: string, values: unknown[] = []) => gateway.rows(sql, values);

describe('register', () => {
  test('signs a customer in, whose address is kept in lower case', async () => {
    const { status, json, headers } = await gateway.call('/v1/auth/register', {
      body: { email: ' Bob@Example.COM ', password: 'a long password', name: 'Bob' },
    });
    expect(status).toBe(201);
    expect(json).toMatchObject({
      user: { email: 'bob@example.com', name: 'Bob', role: 'customer' },
      token_type: 'Bearer',
      expires_in: 600,
    });
    expect(headers['cache-control']).toBe('no-store');
    expect((await me(json.access_token)).json).toEqual({ user: json.user });
  });

  test('refuses an address that has an account, in any spelling', async () => {
    const { email } = await gateway.signUp();
    const { status, json } = await gateway.call('/v1/auth/register', {
      body: { email: email.toUpperCase(), password: 'another password', name: 'Else' },
    });
    expect([status, json.code]).toEqual([409, 'email_taken']);
  });

  test('of one address by twenty at once makes one account', async () => {
    const body = { email: 'race@example.com', password: 'a long password', name: 'Race' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.call('/v1/auth/register', { body })));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 19 }, () => 409),
    ]);
  });

  test.each([
    [{ email: 'x', password: 'a long password', name: 'X' }, '/email'],
    [{ email: 'x@example.com', password: 'short 7', name: 'X' }, '/password'],
    [{ email: 'x@example.com', password: { $ne: null }, name: 'X' }, '/password'],
    [{ email: 'x@example.com', password: 'a long password', name: 'X', role: 'admin' }, '/role'],
    [{ email: 'x@example.com', password: 'a long password', name: 'a\u202eb' }, '/name'],
    [{ email: 'x@example.com', password: 'a long password' }, '/name'],
  ])('points at the wrong field of %j', async (body, pointer) => {
    const { status, json } = await gateway.call('/v1/auth/register', { body });
    expect([status, json.code]).toEqual([422, 'validation_failed']);
    expect(json.errors.map((error) => error.pointer)).toContain(pointer);
  });

  test('takes no prototype for a field and pollutes none', async () => {
    const raw =
      '{"email":"p@example.com","password":"a long password","name":"P","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    const { status } = await gateway.call('/v1/auth/register', {
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(422);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('login', () => {
  test('takes the address in any spelling', async () => {
    const { email, password, userId } = await gateway.signUp();
    const { status, json } = await gateway.call('/v1/auth/login', { body: { email: email.toUpperCase(), password } });
    expect([status, json.user.id]).toEqual([200, userId]);
  });

  test('refuses a wrong password and an unknown address alike', async () => {
    const { email } = await gateway.signUp();
    const wrong = await gateway.call('/v1/auth/login', { body: { email, password: 'not the password' } });
    const unknown = await gateway.call('/v1/auth/login', {
      body: { email: 'nobody@example.com', password: 'whatever' },
    });
    const { request_id: a, ...wrongBody } = wrong.json;
    const { request_id: b, ...unknownBody } = unknown.json;
    expect(a).not.toBe(b);
    expect(unknownBody).toEqual(wrongBody);
    expect([wrong.status, wrong.json.code]).toEqual([401, 'invalid_credentials']);
    expect(wrong.headers['www-authenticate']).toBe(unknown.headers['www-authenticate']);
  });

  test('stores neither password nor refresh token', async () => {
    const { password, refresh: token } = await gateway.signUp();
    const stored = JSON.stringify([
      await rows('select * from users'),
      await rows("select encode(hash, 'escape') as hash, parent_hash from refresh_tokens"),
    ]);
    expect(stored).not.toContain(password);
    expect(stored).not.toContain(token);
  });
});

describe('the configured administrator', () => {
  test('can sign in', async () => {
    const { status, json } = await gateway.call('/v1/auth/login', { body: ADMIN });
    expect([status, json.user.role]).toEqual([200, 'admin']);
  });

  test('is not made twice by another start, and a new password replaces the old one', async () => {
    const services = { booking: gateway.booking.url, payment: gateway.payment.url };
    const changed = { email: ADMIN.email, password: 'the next admin password' };
    const second = await startGatewayOn(gateway.database, services, { admin: changed });
    expect((await second.call('/v1/auth/login', { body: changed })).status).toBe(200);
    expect((await second.call('/v1/auth/login', { body: ADMIN })).status).toBe(401);
    await second.stop();
    const third = await startGatewayOn(gateway.database, services);
    expect((await third.call('/v1/auth/login', { body: ADMIN })).status).toBe(200);
    await third.stop();
    expect(await rows('select id from users where email = $1', [ADMIN.email])).toHaveLength(1);
  });
});

describe('refresh', () => {
  test('gives a new pair', async () => {
    const { refresh: first, userId } = await gateway.signUp();
    const { status, json } = await refresh(first);
    expect(status).toBe(200);
    expect(json.refresh_token).not.toBe(first);
    expect((await me(json.access_token)).json.user.id).toBe(userId);
    expect((await refresh(json.refresh_token)).status).toBe(200);
  });

  test('asked again within 10 s, its answer lost, gives the same successor', async () => {
    const { refresh: first } = await gateway.signUp();
    const answers = [await refresh(first), await refresh(first)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[1]!.json.refresh_token).toBe(answers[0]!.json.refresh_token);
    expect((await refresh(answers[0]!.json.refresh_token)).status).toBe(200);
  });

  test('by fifty at once makes one successor', async () => {
    const { refresh: first } = await gateway.signUp();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(first)));
    expect(new Set(answers.map(({ json }) => json.refresh_token)).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  test('with a token used more than 10 s ago ends the whole family', async () => {
    const { refresh: first, access } = await gateway.signUp();
    const second = (await refresh(first)).json;
    await gateway.database.advanceClock(10_500);
    const reused = await refresh(first);
    expect([reused.status, reused.json.code]).toEqual([401, 'refresh_reused']);
    expect((await refresh(second.refresh_token)).json.code).toBe('refresh_invalid');
    expect((await me(access)).status).toBe(401);
    expect((await me(second.access_token)).status).toBe(401);
  });

  test('with the grandparent ends the family at once', async () => {
    const { refresh: first } = await gateway.signUp();
    const second = (await refresh(first)).json.refresh_token;
    const third = (await refresh(second)).json.refresh_token;
    expect((await refresh(first)).json.code).toBe('refresh_reused');
    expect((await refresh(third)).json.code).toBe('refresh_invalid');
  });

  test('with a token that nobody was given changes nothing', async () => {
    const { refresh: good } = await gateway.signUp();
    for (const bad of [`${good}x`, good.slice(0, -1), 'hrt_', 'x'.repeat(512)]) {
      expect((await refresh(bad)).json.code).toBe('refresh_invalid');
    }
    expect((await refresh('x'.repeat(4096))).status).toBe(422);
    expect((await refresh(good)).status).toBe(200);
  });

  test('ends with the session, however often it was refreshed', async () => {
    const { refresh: first } = await gateway.signUp();
    let token = first;
    for (let day = 0; day < 90; day += 29) {
      token = (await refresh(token)).json.refresh_token;
      await gateway.database.advanceClock(29 * 86_400_000);
    }
    expect((await refresh(token)).json.code).toBe('refresh_invalid');
  });

  test('token is no access token, and an access token no refresh token', async () => {
    const { refresh: token, access } = await gateway.signUp();
    expect((await me(token)).status).toBe(401);
    expect((await refresh(access)).json.code).toBe('refresh_invalid');
  });
});

describe('logout', () => {
  test('ends the session at once and can be repeated', async () => {
    const { refresh: token, access } = await gateway.signUp();
    const out = () => gateway.call('/v1/auth/logout', { body: { refresh_token: token } });
    expect((await out()).status).toBe(204);
    expect((await out()).status).toBe(204);
    expect((await me(access)).status).toBe(401);
    expect((await refresh(token)).json.code).toBe('refresh_invalid');
  });

  test('all ends every session of the user and no other', async () => {
    const first = await gateway.signUp();
    const other = await gateway.signUp();
    const second = (await gateway.call('/v1/auth/login', { body: { email: first.email, password: first.password } }))
      .json;
    const { status } = await gateway.call('/v1/auth/logout-all', { method: 'POST', token: first.access });
    expect(status).toBe(204);
    expect((await me(first.access)).status).toBe(401);
    expect((await me(second.access_token)).status).toBe(401);
    expect((await me(other.access)).status).toBe(200);
  });

  test('is known to another gateway with its next look, though it remembers the token', async () => {
    const services = { booking: gateway.booking.url, payment: gateway.payment.url };
    const second = await startGatewayOn(gateway.database, services);
    const { refresh: token, access } = await gateway.signUp();
    expect((await second.call('/v1/auth/me', { token: access })).status).toBe(200);
    await gateway.call('/v1/auth/logout', { body: { refresh_token: token } });
    await second.service.revocations.runOnce();
    expect((await second.call('/v1/auth/me', { token: access })).status).toBe(401);
    await second.stop();
  });
});

describe('signing keys', () => {
  test('are one for gateways that start together, and only the public half is shown', async () => {
    await rows('delete from signing_keys');
    const services = { booking: gateway.booking.url, payment: gateway.payment.url };
    const both = await Promise.all([
      startGatewayOn(gateway.database, services),
      startGatewayOn(gateway.database, services),
    ]);
    const sets = await Promise.all(both.map((one) => one.call('/.well-known/jwks.json')));
    expect(sets[0]!.json).toEqual(sets[1]!.json);
    expect(sets[0]!.json.keys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' },
    ]);
    await Promise.all(both.map((one) => one.stop()));
  });
});

describe('a request', () => {
  test('with two Authorization headers is nobody’s', async () => {
    const { access } = await gateway.signUp();
    const both = await gateway.call('/v1/auth/me', {
      headers: { authorization: [`Bearer ${access}`, `Bearer ${access}`] },
    });
    expect(both.status).toBe(401);
  });

  test('needs its token in the header, as Bearer, and not too long', async () => {
    const { access } = await gateway.signUp();
    expect((await gateway.call(`/v1/auth/me?access_token=${access}`)).status).toBe(401);
    expect((await gateway.call('/v1/auth/me', { headers: { authorization: `Basic ${access}` } })).status).toBe(401);
    expect((await me('x'.repeat(9_000))).status).toBe(401);
    const none = await gateway.call('/v1/auth/me');
    expect([none.status, none.json.code, none.headers['www-authenticate']]).toEqual([
      401,
      'unauthenticated',
      'Bearer realm="holdfast"',
    ]);
    expect((await me('x.y.z')).headers['www-authenticate']).toContain('error="invalid_token"');
  });
});
