import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { timeline as timelineSchema } from '@holdfast/shared/contracts/timeline';
import { newId } from '@holdfast/shared/ids';
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts';
import type { SeenRequest } from '../testing/fake-service.ts';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  token = (await gateway.signUp()).access;
});
afterAll(() => gateway.stop());

const id = newId('bkg');
const cause = newId('req');
const entry = (source: string, at: string) => ({
  ...{ source, at, type: 'x', cause, summary: 'for a test' },
  data: {},
});
const booking = { body: JSON.stringify({ id, reference: 'BK20270104-ABCDEF', status: 'HELD' }) };
/** A service that knows the booking, and whose part of the story are these entries. */
const tells =
  (...entries: object[]) =>
  ({ url }: SeenRequest) =>
    url.startsWith('/v1/') ? booking : { body: JSON.stringify({ entries }) };
const read = () => gateway.call(`/v1/bookings/${id}/timeline`, { token });

test('parts are put together by time, and a request stands where its id was made', async () => {
  gateway.booking.behave(
    tells(entry('booking', '2099-01-01T00:00:00.000002Z'), entry('booking', '2099-01-01T00:00:00.000004Z')),
  );
  gateway.payment.behave(tells(entry('payment', '2099-01-01T00:00:00.000003Z')));
  const { status, text } = await read();
  expect(status).toBe(200);
  const { data, missing } = timelineSchema.strict().parse(JSON.parse(text));
  expect(data.map(({ source }) => source)).toEqual(['gateway', 'booking', 'payment', 'booking']);
  expect(Math.abs(Date.parse(data[0]!.at) - Date.now())).toBeLessThan(60_000);
  expect(data[0]!.data).toEqual({ id: cause });
  // Nobody listens where this gateway looks for it.
  expect(missing).toEqual(['notification']);
});

test.each([
  ['answers with an error', () => ({ status: 503, body: '{}' })],
  ['answers something else', () => ({ body: '{"entries": "none"}' })],
  ['cuts the connection', () => 'reset' as const],
  ['says nothing', () => 'silence' as const],
])('a service that %s is named, and the others are shown', async (_, behaviour) => {
  gateway.booking.behave(tells(entry('booking', '2099-01-01T00:00:00.000002Z')));
  gateway.payment.behave(behaviour);
  const { data, missing } = timelineSchema.parse(JSON.parse((await read()).text));
  expect([data.map(({ source }) => source), missing.sort()]).toEqual([
    ['gateway', 'booking'],
    ['notification', 'payment'],
  ]);
});

test('whether the caller may see it is for the booking service to say; without it there is no answer', async () => {
  gateway.booking.behave(() => ({ status: 404, body: '{}' }));
  const before = gateway.payment.seen.length;
  expect((await read()).status).toBe(404);
  expect(gateway.payment.seen).toHaveLength(before);
  gateway.booking.behave(() => 'reset');
  const down = await read();
  expect([down.status, down.json.code]).toEqual([503, 'dependency_unavailable']);
  expect((await gateway.call(`/v1/bookings/${id}/timeline`)).status).toBe(401);
});
