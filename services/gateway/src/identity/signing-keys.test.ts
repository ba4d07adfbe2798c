import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ADMIN, startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let second: Awaited<ReturnType<typeof startGatewayOn>>;
let admin: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  second = await startGatewayOn(gateway.database, { booking: gateway.booking.url, payment: gateway.payment.url });
  admin = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});
afterAll(async () => {
  await second.stop();
  await gateway.stop();
});

const rotate = (token = admin) => gateway.call('/v1/signing-keys/rotate', { body: {}, token });
const kidsShown = async (at: TestGateway['call']) =>
  ((await at('/.well-known/jwks.json')).json.keys as { kid: string }[]).map(({ kid }) => kid).sort();
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid;
const lookAtKeys = () => Promise.all([gateway.service.identity.runOnce(), second.service.identity.runOnce()]);

test('a new key is known everywhere before it signs, and no token is refused while it takes over', async () => {
  const { refresh, access: before } = await gateway.signUp();
  const first = await kidsShown(gateway.call);
  const { status, json } = await rotate();
  const { kid } = json as unknown as { kid: string };
  expect([status, json]).toMatchObject([201, { object: 'signing_key', signs_from: expect.any(String) }]);

  await lookAtKeys();
  const both = [...first, kid].sort();
  expect([await kidsShown(gateway.call), await kidsShown(second.call)]).toEqual([both, both]);
  const early = (await gateway.call('/v1/auth/refresh', { body: { refresh_token: refresh } })).json;
  expect(first).toContain(kidOf(early.access_token));

  await gateway.database.advanceClock(10_001);
  // One gateway turns the key and the other has not looked again: each reads what the other signs.
  await gateway.service.identity.runOnce();
  const late = (await gateway.call('/v1/auth/refresh', { body: { refresh_token: early.refresh_token } })).json;
  expect(kidOf(late.access_token)).toBe(kid);
  for (const at of [gateway.call, second.call]) {
    for (const token of [before, early.access_token, late.access_token]) {
      expect((await at('/v1/auth/me', { token })).status).toBe(200);
    }
  }
  expect(await gateway.rows('select state from signing_keys order by state')).toEqual([
    { state: 'CURRENT' },
    { state: 'PREVIOUS' },
  ]);
});

test('the previous key goes when its last token has expired, and what it verified is forgotten', async () => {
  const { access } = await gateway.signUp();
  const old = kidOf(access);
  await rotate();
  await gateway.database.advanceClock(10_001);
  await lookAtKeys();
  expect((await second.call('/v1/auth/me', { token: access })).status).toBe(200);
  await gateway.database.advanceClock(900_001);
  await lookAtKeys();
  expect(await kidsShown(second.call)).not.toContain(old);
  // The token itself has not run out: business time moved, the wall clock did not.
  expect((await second.call('/v1/auth/me', { token: access })).status).toBe(401);
  admin = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});

test('a key that leaked is out of use everywhere as soon as its row is deleted', async () => {
  const { access } = await gateway.signUp();
  expect((await second.call('/v1/auth/me', { token: access })).status).toBe(200);
  await rotate();
  await gateway.database.advanceClock(10_001);
  await lookAtKeys();
  await gateway.rows(`delete from signing_keys where state = 'PREVIOUS'`);
  await lookAtKeys();
  for (const at of [gateway.call, second.call]) {
    expect((await at('/v1/auth/me', { token: access })).status).toBe(401);
  }
  admin = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});

test('a second rotation waits for the first, and only administrators rotate', async () => {
  const { access } = await gateway.signUp();
  expect((await rotate(access)).status).toBe(403);
  expect((await rotate()).status).toBe(201);
  const again = await rotate();
  expect([again.status, again.json.code]).toEqual([409, 'conflict']);
  const entries = await gateway.rows(
    `select after ->> 'kid' as kid from audit_log where action = 'rotate_signing_key'`,
  );
  expect(entries.length).toBeGreaterThan(0);
});
