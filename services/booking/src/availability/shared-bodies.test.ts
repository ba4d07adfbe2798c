import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EventId } from '@holdfast/shared/ids';
import { connectRedis, type Redis } from '@holdfast/shared/redis/redis';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startTestRedis, type TestRedis } from '@holdfast/shared/testing/test-redis';
import { until } from '@holdfast/shared/testing/until';
import { aHold, setupBooking, type BookingFixture } from '../testing/booking-fixture.ts';
import { serveRoutes, type HttpFixture } from '../testing/http-fixture.ts';
import { availabilityRoutes } from './routes.ts';
import { SharedBodies } from './shared-bodies.ts';

const secret = 'only-for-tests-only-for-tests-only-for-tests';
const logger = createLogger({ service: 'test', level: 'silent' });

let server: TestRedis;
let redis: Redis;
let booking: BookingFixture;
/** Two replicas that share a Redis. */
let replicas: readonly [HttpFixture, HttpFixture];

beforeAll(async () => {
  server = await startTestRedis();
  redis = connectRedis(server.url, logger);
  await untilRedisIsThere();
  booking = await setupBooking();
  const routes = () => availabilityRoutes({ pool: booking.pool, redis, internalSecret: secret });
  replicas = [await serveRoutes(routes()), await serveRoutes(routes())];
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await booking.stop();
  redis.disconnect();
  await server.stop();
});

const untilRedisIsThere = () => until('Redis is connected', () => Promise.resolve(redis.status === 'ready'));
const keyOf = (event: EventId) => `holdfast:availability:${event} all`;
const bodies = (with_ = secret) => new SharedBodies({ redis, secret: with_ });
const bytes = Buffer.from('"counts":{}}');

/** What both replicas say is taken, from memory or from anywhere else. */
async function taken(event: EventId): Promise<string[][]> {
  const replies = await Promise.all(replicas.map((replica) => replica.get(`/v1/events/${event}/availability`)));
  expect(replies.map((reply) => reply.status)).toEqual([200, 200]);
  return replies.map(({ body }) => body.seats.filter(({ status }) => status !== 'AVAILABLE').map(({ label }) => label));
}

test('a body that one replica built is taken over by the others', async () => {
  const event = await booking.seatEvent();
  await replicas[0].get(`/v1/events/${event}/availability`);
  await until('the body is shared', async () => (await redis.exists(keyOf(event))) === 1);
  const claimsRead = countClaimReads();
  const second = await replicas[1].get(`/v1/events/${event}/availability`);
  expect(second.body.counts.available).toBeGreaterThan(0);
  expect(claimsRead()).toBe(0);
});

/** Counts from now on how often the claims of an event are read. */
function countClaimReads(): () => number {
  const query = booking.pool.query.bind(booking.pool) as (...args: unknown[]) => Promise<unknown>;
  let reads = 0;
  booking.pool.query = ((...args: unknown[]) => {
    if ((args[0] as { name?: string }).name === 'availability-seats') reads += 1;
    return query(...args);
  }) as typeof booking.pool.query;
  return () => {
    booking.pool.query = query as typeof booking.pool.query;
    return reads;
  };
}

describe('what is not the body of this key is not believed', () => {
  const lies: Record<string, (key: string, value: Buffer) => Promise<unknown>> = {
    garbage: (key) => redis.set(key, 'a lie'),
    nothing: (key) => redis.set(key, ''),
    'one changed byte': (key, value) => {
      const changed = Buffer.from(value);
      changed[changed.length - 3]! ^= 1;
      return redis.set(key, changed);
    },
    'another version': (key, value) => {
      const changed = Buffer.from(value);
      changed.writeBigInt64BE(9n, 32);
      return redis.set(key, changed);
    },
    'a list': (key) => redis.lpush(key, 'a lie'),
  };
  test.each(Object.keys(lies))('%s', async (lie) => {
    bodies().put('evt_x all', { version: 7n, bytes });
    const key = 'holdfast:availability:evt_x all';
    await until('the body is shared', async () => (await redis.exists(key)) === 1);
    expect((await bodies().get('evt_x all', 7n))?.bytes.toString()).toBe(bytes.toString());
    const value = (await redis.getBuffer(key))!;
    await redis.del(key);
    await lies[lie]!(key, value);
    expect(await bodies().get('evt_x all', 7n)).toBeUndefined();
  });

  test('the body of another key, of an older version, or sealed with another secret', async () => {
    bodies().put('evt_x all', { version: 7n, bytes });
    await until('the body is shared', async () => (await redis.exists('holdfast:availability:evt_x all')) === 1);
    await redis.copy('holdfast:availability:evt_x all', 'holdfast:availability:evt_y all');
    expect(await bodies().get('evt_y all', 7n)).toBeUndefined();
    expect(await bodies().get('evt_x all', 8n)).toBeUndefined();
    expect(await bodies('another-secret-another-secret-another').get('evt_x all', 7n)).toBeUndefined();
    expect(await bodies().get('evt_x all', 6n)).toMatchObject({ version: 7n });
  });
});

describe('nobody sees a seat free that they have just taken', () => {
  const hold = (event: EventId, seat: string) => booking.settle(aHold({ event_id: event, seats: [seat] }));

  test('while Redis is put back to what it was before', async () => {
    const event = await booking.seatEvent();
    await taken(event);
    await until('the body is shared', async () => (await redis.exists(keyOf(event))) === 1);
    const before = (await redis.getBuffer(keyOf(event)))!;
    await hold(event, 'A-1');
    await redis.set(keyOf(event), before);
    expect(await taken(event)).toEqual([['A-1'], ['A-1']]);
  });

  test('while Redis is emptied again and again', async () => {
    const event = await booking.seatEvent();
    for (const seat of ['A-1', 'A-2', 'A-3']) {
      await hold(event, seat);
      const [seen] = await Promise.all([taken(event), redis.flushall()]);
      for (const labels of seen) expect(labels).toContain(seat);
    }
  });

  test('while Redis hangs, which is asked no more for a second after it did not answer', async () => {
    const event = await booking.seatEvent();
    await hold(event, 'A-1');
    process.kill(server.process().pid, 'SIGSTOP');
    try {
      expect(await taken(event)).toEqual([['A-1'], ['A-1']]);
      const patient = bodies();
      expect(await patient.get('evt_x all', 1n)).toBeUndefined();
      let asked = false;
      const getBuffer = redis.getBuffer.bind(redis);
      redis.getBuffer = ((key: string) => ((asked = true), getBuffer(key))) as typeof redis.getBuffer;
      expect(await patient.get('evt_x all', 1n)).toBeUndefined();
      redis.getBuffer = getBuffer as typeof redis.getBuffer;
      expect(asked).toBe(false);
    } finally {
      process.kill(server.process().pid, 'SIGCONT');
    }
    await until('Redis answers', () =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    );
  });

  test('while Redis is gone', async () => {
    const event = await booking.seatEvent();
    await server.kill();
    await hold(event, 'A-2');
    expect(await taken(event)).toEqual([['A-2'], ['A-2']]);
    await server.restart();
    await untilRedisIsThere();
  });
});
