import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@holdfast/shared/testing/until';
import { startGatewayOn, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let second: Awaited<ReturnType<typeof startGatewayOn>>;
beforeAll(async () => {
  gateway = await startTestGateway();
  second = await startGatewayOn(gateway.database, { booking: gateway.booking.url, payment: gateway.payment.url });
});
afterAll(async () => {
  await second.stop();
  await gateway.stop();
});

test('after logout-all every old access token is refused on two gateways within 5 s, though both remember it', async () => {
  const { access, email, password } = await gateway.signUp();
  const other = await gateway.signUp();
  const login = await second.call('/v1/auth/login', { body: { email, password } });
  const tokens = [access, login.json.access_token];
  const statuses = () =>
    Promise.all(
      [gateway.call, second.call].flatMap((call) =>
        tokens.map(async (token) => (await call('/v1/auth/me', { token })).status),
      ),
    );
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  // Now all four come from memory.
  expect(await statuses()).toEqual([200, 200, 200, 200]);

  expect((await gateway.call('/v1/auth/logout-all', { method: 'POST', token: access })).status).toBe(204);
  await until(
    'both gateways to refuse both tokens',
    async () => (await statuses()).every((status) => status === 401),
    5_000,
  );
  for (const call of [gateway.call, second.call]) {
    expect((await call('/v1/auth/me', { token: other.access })).status).toBe(200);
  }
});
