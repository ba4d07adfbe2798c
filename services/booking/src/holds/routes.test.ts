import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createApp, listen, problemHandler, type RunningServer } from '@holdfast/shared/http/app';
import { signAssertion } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { AlternativesFinder } from '../alternatives/find-alternatives.ts';
import { aCustomer, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { startTestQuoter, type TestQuoter } from '../testing/test-quoter.ts';
import { HoldBatcher } from './hold-batcher.ts';
import { holdRoutes } from './routes.ts';
import { settleHoldBatch } from './settle-hold-batch.ts';

const SECRET = 'only-for-tests-only-for-tests-only-for-tests';

let booking: BookingFixture;
let quoter: TestQuoter;
let server: RunningServer;
beforeAll(async () => {
  booking = await setupBooking();
  quoter = await startTestQuoter();
  const logger = createLogger({ service: 'booking-test', level: 'silent' });
  const app = createApp();
  app.use(
    holdRoutes({
      batcher: new HoldBatcher({
        settle: (commands) => settleHoldBatch(booking.holdDeps, commands),
        logger,
        onSettled: () => {},
      }),
      alternatives: new AlternativesFinder({
        pool: booking.pool,
        layouts: booking.holdDeps.layouts,
        logger,
        waitAtMostMs: 5_000,
      }),
      quotes: { pool: booking.pool, quoter: quoter.quoter, logger, timeoutMs: 2_000, onAsked: () => {} },
      internalSecret: SECRET,
      logger,
    }),
  );
  app.use(problemHandler(logger, () => newId('req')));
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.stop();
  await quoter.stop();
  await booking.stop();
});

interface Answer {
  readonly status: number;
  readonly body: { code?: string; price?: { amount: number }; unavailable?: unknown; alternatives?: unknown[] };
}

const hold = (...bodies: object[]) => send('/internal/holds', bodies);

async function send(path: string, bodies: readonly object[]): Promise<Answer[]> {
  const commands = bodies.map((body) => ({
    assertion: signAssertion(SECRET, aCustomer()),
    key: newId('req'),
    deadline_ms: 2_000,
    body,
  }));
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ commands }),
  });
  const { answers } = (await response.json()) as { answers: { status: number; body: string }[] };
  return answers.map(({ status, body }) => ({ status, body: JSON.parse(body || '{}') as Answer['body'] }));
}

test('who loses a seat is told which one, and what is free instead', async () => {
  const event_id = await booking.seatEvent({ rows: [{ row: 'A', seats: 3 }] });
  const [winner, loser] = await hold({ event_id, seats: ['A-1'] }, { event_id, seats: ['A-1'] });
  expect(winner!.status).toBe(201);
  expect(loser).toMatchObject({
    status: 409,
    body: {
      code: 'inventory_unavailable',
      unavailable: ['A-1'],
      alternatives: [{ seats: ['A-2'] }, { seats: ['A-3'] }],
    },
  });
});

test('a refusal of another kind has no alternatives, and a sold-out pool of no series an empty list', async () => {
  const [unknown] = await hold({ event_id: newId('evt'), quantity: 1 });
  expect(unknown!.status).toBe(404);
  expect(unknown!.body).not.toHaveProperty('alternatives');
  const event_id = await booking.poolEvent({ capacity: 1 });
  const [full] = await hold({ event_id, quantity: 2 });
  expect(full).toMatchObject({
    status: 409,
    body: { unavailable: { requested: 2, available: 1 }, alternatives: [] },
  });
});

test('a hold that needs a quote is sent back to come apart, and those beside it do not wait for the quoter', async () => {
  const quoted = await booking.poolEvent({ pricing: 'quoted' });
  const listed = await booking.poolEvent();
  const answers = await hold({ event_id: quoted, quantity: 1 }, { event_id: listed, quantity: 1 });
  expect(answers.map(({ status }) => status)).toEqual([307, 201]);
  expect(quoter.asked).toHaveLength(0);

  const [apart] = await send('/internal/holds/apart', [{ event_id: quoted, quantity: 1 }]);
  expect(apart).toMatchObject({ status: 201, body: { price: { amount: 5_200 } } });
});

test('without a quote the client is told to come again', async () => {
  quoter.behave(() => 'reset');
  const event_id = await booking.poolEvent({ pricing: 'quoted', quoteFallback: 'refuse' });
  const [refused] = await send('/internal/holds/apart', [{ event_id, quantity: 1 }]);
  expect(refused).toMatchObject({ status: 503, body: { code: 'quote_unavailable', retryable: true } });
});

describe('a call in which the gateway vouches for nobody', () => {
  const genuine = () => signAssertion(SECRET, aCustomer());
  const command = (assertion: unknown, body: object = {}) => ({
    assertion,
    key: newId('req'),
    deadline_ms: 2_000,
    body,
  });
  const post = (body: string, type: string) =>
    fetch(`http://127.0.0.1:${server.port}/internal/holds`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });

  test.each<[string, string]>([
    ['made-up assertions', JSON.stringify({ commands: [command('x.y'), command('')] })],
    ['those of another secret', JSON.stringify({ commands: [command(signAssertion('z'.repeat(44), aCustomer()))] })],
    ['expired ones', JSON.stringify({ commands: [command(signAssertion(SECRET, aCustomer(), Date.now() - 31_000))] })],
    ['assertions that are no text', JSON.stringify({ commands: [command(null), command({}), null, 7] })],
    ['no commands', JSON.stringify({ commands: [] })],
    ['commands that are no list', JSON.stringify({ commands: 'x' })],
    ['another shape', '[]'],
    ['no JSON', '{"commands":['],
    ['no body', ''],
    [
      'a genuine one behind more than a batch may have',
      JSON.stringify({ commands: [...Array.from({ length: 256 }, () => command('x.y')), command(genuine())] }),
    ],
  ])('is 401 as a whole: %s', async (_, body) => {
    const response = await post(body, 'application/json');
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([401, 'unauthenticated']);
  });

  test('is 401 as well when its body is of another type, whoever is in it', async () => {
    const response = await post(JSON.stringify({ commands: [command(genuine())] }), 'text/plain');
    expect(response.status).toBe(401);
  });

  test('differs from one with a genuine command, in which the others are refused one by one', async () => {
    const event_id = await booking.poolEvent();
    const commands = [command('x.y'), command(genuine(), { event_id, quantity: 1 })];
    const response = await post(JSON.stringify({ commands }), 'application/json');
    const { answers } = (await response.json()) as { answers: { status: number }[] };
    expect([response.status, answers.map(({ status }) => status)]).toEqual([200, [401, 201]]);
  });

  test('differs from a wrong one of the gateway, which is told what is wrong', async () => {
    const response = await post(JSON.stringify({ commands: [{ assertion: genuine(), key: 7 }] }), 'application/json');
    expect(response.status).toBe(422);
  });
});
