import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attention as attentionSchema } from '@holdfast/shared/contracts/attention';
import { ADMIN, startTestGateway, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let operator: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  const { json } = await gateway.call('/v1/auth/login', { body: ADMIN });
  operator = json.access_token;
});
afterAll(() => gateway.stop());

const item = (service: string, since: string) => ({
  ...{ kind: 'saga_stuck', service, id: null, booking_id: null, since, detail: 'for a test' },
});
const answer = (service: string, since: string, stuck = 1) => ({
  body: JSON.stringify({ items: [item(service, since)], counts: { saga_stuck: stuck } }),
});
const list = (token: string) => gateway.call('/v1/ops/attention', { token });

test('all services are asked at once and their answers put together, longest first; one that is down is an item', async () => {
  gateway.booking.behave(() => answer('booking', '2027-01-02T00:00:00.000Z', 400));
  gateway.payment.behave(() => answer('payment', '2027-01-01T00:00:00.000Z'));
  const { status, text } = await list(operator);
  expect(status).toBe(200);
  const body = attentionSchema.strict().parse(JSON.parse(text));
  expect(body.counts).toEqual({ saga_stuck: 401, service_unreachable: 1 });
  expect(body.has_more).toBe(true);
  expect(body.data.map(({ kind, service }) => `${kind} ${service}`).sort()).toEqual([
    'saga_stuck booking',
    'saga_stuck payment',
    // Nobody listens where this gateway looks for it.
    'service_unreachable notification',
  ]);
  expect(body.data.map(({ since }) => since)).toEqual(body.data.map(({ since }) => since).sort());
  expect(gateway.booking.seen.at(-1)).toMatchObject({ method: 'GET', url: '/internal/attention' });
});

test.each([
  ['answers with an error', () => ({ status: 503, body: '{}' })],
  ['answers something else', () => ({ body: '{"items": "none"}' })],
  ['cuts the connection', () => 'reset' as const],
  ['says nothing', () => 'silence' as const],
])('a service that %s is an item, and the others are shown within 3 s', async (_, behaviour) => {
  gateway.booking.behave(behaviour);
  gateway.payment.behave(() => answer('payment', '2027-01-01T00:00:00.000Z'));
  const startedAt = performance.now();
  const { data } = attentionSchema.parse(JSON.parse((await list(operator)).text));
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  expect(data.map(({ kind, service }) => `${kind} ${service}`)).toEqual(
    expect.arrayContaining(['service_unreachable booking', 'saga_stuck payment']),
  );
});

test('a message of the gateway that is not published in time is an item as well', async () => {
  gateway.booking.behave(() => answer('booking', '2027-01-02T00:00:00.000Z'));
  await gateway.signUp();
  await gateway.database.advanceClock(11_000);
  const { data } = attentionSchema.parse(JSON.parse((await list(operator)).text));
  await gateway.database.setClockOffset(0);
  expect(data.find(({ kind }) => kind === 'outbox_delayed')).toMatchObject({ service: 'gateway' });
});

test('it is for operators', async () => {
  const { access } = await gateway.signUp();
  const before = gateway.booking.seen.length;
  expect((await list(access)).status).toBe(403);
  expect((await gateway.call('/v1/ops/attention')).status).toBe(401);
  expect(gateway.booking.seen).toHaveLength(before);
});
