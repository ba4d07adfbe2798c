import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { integrity } from '@holdfast/shared/contracts/integrity';
import { ADMIN, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let operator: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  operator = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});
afterAll(() => gateway.stop());

const result = (service: string, status: string) => ({
  ...{
    service,
    name: 'x',
    description: 'for a test',
    every: 'hour',
    status,
    violations: status === 'violated' ? 3 : 0,
  },
  ...{ examples: [], violated_since: null, last_run_at: null, duration_ms: null, error: null },
});
const answers = (service: string, status: string) => () => ({
  body: JSON.stringify({ invariants: [result(service, status)], running: false }),
});

test('all services are asked and their results put together; who does not answer is named, and all is not fine', async () => {
  gateway.booking.behave(answers('booking', 'ok'));
  gateway.payment.behave(answers('payment', 'ok'));
  const { status, text } = await gateway.call('/v1/ops/integrity', { token: operator });
  expect(status).toBe(200);
  const body = integrity.strict().parse(JSON.parse(text));
  expect(new Set(body.data.map(({ service }) => service))).toEqual(new Set(['booking', 'payment', 'gateway']));
  expect(body).toMatchObject({ status: 'incomplete', unreachable: ['notification'] });
  expect(gateway.booking.seen.at(-1)).toMatchObject({ method: 'GET', url: '/internal/integrity' });
});

test('a run is asked of every service, and what is violated anywhere is violated', async () => {
  gateway.booking.behave(answers('booking', 'violated'));
  gateway.payment.behave(answers('payment', 'ok'));
  const { status, text } = await gateway.call('/v1/ops/integrity/run', { token: operator, method: 'POST' });
  expect(status).toBe(200);
  const body = integrity.parse(JSON.parse(text));
  expect(body.status).toBe('violated');
  expect(body.data.find(({ service }) => service === 'booking')).toMatchObject({ violations: 3 });
  expect(body.data.filter(({ service }) => service === 'gateway').map(({ last_run_at }) => last_run_at)).not.toContain(
    null,
  );
  expect(gateway.booking.seen).toContainEqual(
    expect.objectContaining({ method: 'POST', url: '/internal/integrity/run' }),
  );
});

test('it is for operators', async () => {
  const { access } = await gateway.signUp();
  const before = gateway.booking.seen.length;
  expect((await gateway.call('/v1/ops/integrity', { token: access })).status).toBe(403);
  expect((await gateway.call('/v1/ops/integrity/run', { token: access, method: 'POST' })).status).toBe(403);
  expect((await gateway.call('/v1/ops/integrity')).status).toBe(401);
  expect(gateway.booking.seen).toHaveLength(before);
});
