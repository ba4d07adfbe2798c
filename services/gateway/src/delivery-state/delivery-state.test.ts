import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  consumerList,
  outboxList,
  type ConsumerStateJson,
  type OutboxStateJson,
} from '@holdfast/shared/contracts/delivery-state';
import { ADMIN, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let operator: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  operator = (await gateway.call('/v1/auth/login', { body: ADMIN })).json.access_token;
});
afterAll(() => gateway.stop());

const outbox = (service: string): OutboxStateJson => ({
  ...{ service, depth: 7, oldest_at: null, oldest_age_seconds: null, scheduled: 0, unconfirmed: 0 },
  ...{ oldest_unconfirmed_at: null, families: [], relay: { holder: null, epoch: 1, expires_at: null } },
});
const consumer = (service: string): ConsumerStateJson => ({
  ...{ service, consumer: `${service}-x`, stream: 'BOOKING', family: 'checkout', broker: null, parked: 0 },
  ...{ oldest_parked_at: null, failing: 0, dead_letters: 0, last_effect_at: null },
});

test('the outboxes of all services and its own are one list, and who does not answer is named', async () => {
  gateway.booking.behave(() => ({ body: JSON.stringify(outbox('booking')) }));
  gateway.payment.behave(() => ({ body: JSON.stringify(outbox('payment')) }));
  // What this adds is on its way to nobody: the gateway of this test has no broker.
  await gateway.signUp();
  const { status, text } = await gateway.call('/v1/ops/outbox', { token: operator });
  expect(status).toBe(200);
  const { data, unreachable } = outboxList.strict().parse(JSON.parse(text));
  expect(data.map(({ service }) => service)).toEqual(['booking', 'payment', 'gateway']);
  expect(data[2]!.depth).toBeGreaterThan(0);
  expect(data[2]!.families.map(({ family }) => family)).toEqual(['account']);
  expect(unreachable).toEqual(['notification']);
});

test('the consumers of all services are one list; an answer of another form is none', async () => {
  gateway.booking.behave(() => ({ body: JSON.stringify({ consumers: [consumer('booking')] }) }));
  gateway.payment.behave(() => ({ body: JSON.stringify({ consumers: [{ consumer: 'payment-x' }] }) }));
  const { text } = await gateway.call('/v1/ops/consumers', { token: operator });
  const { data, unreachable } = consumerList.strict().parse(JSON.parse(text));
  expect(data).toEqual([consumer('booking')]);
  expect(unreachable).toEqual(['payment', 'notification']);
});

test('both are for operators', async () => {
  const { access } = await gateway.signUp();
  for (const path of ['/v1/ops/outbox', '/v1/ops/consumers']) {
    expect((await gateway.call(path, { token: access })).status).toBe(403);
    expect((await gateway.call(path)).status).toBe(401);
  }
});
