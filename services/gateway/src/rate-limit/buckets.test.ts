import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectRedis, type Redis } from '@holdfast/shared/redis/redis';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startTestRedis, type TestRedis } from '@holdfast/shared/testing/test-redis';
import { until } from '@holdfast/shared/testing/until';
import fc from 'fast-check';
import { draw, sizeOf, type Ask, type BucketSize } from './bucket-rules.ts';
import { LocalBuckets } from './buckets.ts';
import { RedisBuckets } from './redis-buckets.ts';

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startTestRedis();
  redis = connectRedis(server.url, createLogger({ service: 'test', level: 'silent' }));
  await until('Redis is connected', () => redis.status === 'ready');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const size = (capacity: number, perSecond: number, blockMs = 0): BucketSize => ({
  capacity,
  perMs: perSecond / 1000,
  blockMs,
});
const ask = fc.record({ spent: fc.integer({ min: -5, max: 20 }), want: fc.integer({ min: 0, max: 30 }) });

describe('a bucket', () => {
  test('of a policy holds limit and burst, and fills with the limit in a window', () => {
    const policy = { name: 'user', limit: 100, windowSeconds: 60, burst: 20 } as const;
    expect(sizeOf(policy, { blocks: false })).toEqual({ capacity: 120, perMs: 100 / 60_000, blockMs: 0 });
    expect(sizeOf(policy, { blocks: true, share: 0.5 })).toEqual({ capacity: 60, perMs: 50 / 60_000, blockMs: 60_000 });
  });

  test('never gives more than it held and was filled with meanwhile', () => {
    const steps = fc.array(fc.tuple(fc.nat(5_000), ask));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 50 }), steps, (capacity, rate, asks) => {
        let tokens = capacity;
        let [given, elapsed] = [0, 0];
        for (const [ms, one] of asks) {
          const drawn = draw(size(capacity, rate), tokens, ms, { ...one, spent: Math.max(0, one.spent) });
          tokens = drawn.tokens;
          given += drawn.grant.granted + Math.max(0, one.spent);
          elapsed += ms;
          // What was spent without asking may overdraw; what is granted never does.
          if (drawn.grant.granted > 0) expect(given).toBeLessThanOrEqual(capacity + elapsed * (rate / 1000) + 1e-6);
          expect(tokens).toBeLessThanOrEqual(capacity);
        }
      }),
    );
  });

  test('says after how long there is a token again', () => {
    const { tokens, grant } = draw(size(10, 2), 0.25, 0, { spent: 0, want: 1 });
    expect(grant).toEqual({ granted: 0, left: 0, waitMs: 375 });
    expect(draw(size(10, 2), tokens, 375, { spent: 0, want: 1 }).grant.granted).toBe(1);
  });

  test('that blocks gives nothing for the whole time after a refusal, and asking does not prolong it', () => {
    const blocking = size(2, 10, 60_000);
    const full = draw(blocking, 2, 0, { spent: 0, want: 2 });
    expect(full.grant).toMatchObject({ granted: 2, left: 0 });
    const refused = draw(blocking, full.tokens, 0, { spent: 0, want: 1 });
    expect(refused.grant).toMatchObject({ granted: 0, waitMs: 60_000 });
    const later = draw(blocking, refused.tokens, 59_000, { spent: 0, want: 1 });
    expect(later.grant).toMatchObject({ granted: 0, waitMs: 1_000 });
    expect(draw(blocking, later.tokens, 1_000, { spent: 0, want: 1 }).grant.granted).toBe(1);
  });
});

describe('buckets in Redis', () => {
  test('count as those in memory do', async () => {
    const shared = new RedisBuckets(redis);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        // So slow that the milliseconds of this test fill nothing.
        fc.constantFrom(size(20, 0.0001), size(3, 0.0001), size(3, 0.0001, 60_000)),
        fc.array(ask, { minLength: 1, maxLength: 8 }),
        async (bucket, asks: Ask[]) => {
          run += 1;
          const memory = new LocalBuckets({ now: () => 0 });
          for (const one of asks) {
            const request = { key: `same:${run}`, size: bucket, ...one };
            const [[fromRedis], [fromMemory]] = await Promise.all([shared.settle([request]), memory.settle([request])]);
            expect([fromRedis!.granted, fromRedis!.left]).toEqual([fromMemory!.granted, fromMemory!.left]);
            expect(Math.abs(fromRedis!.waitMs - fromMemory!.waitMs)).toBeLessThan(5_000);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test('are settled many at once, each for itself', async () => {
    const shared = new RedisBuckets(redis);
    const asks = Array.from({ length: 450 }, (_, n) => ({
      ...{ key: `many:${n}`, size: size(10, 0.001), spent: 0, want: n % 13 },
    }));
    const grants = await shared.settle(asks);
    expect(grants.map(({ granted }) => granted)).toEqual(asks.map(({ want }) => Math.min(want, 10)));
  });

  test('that are full again are not kept', async () => {
    const shared = new RedisBuckets(redis);
    await shared.settle([{ key: 'gone', size: size(10, 1), spent: 4, want: 0 }]);
    expect(await redis.pttl('holdfast:limit:gone')).toBeGreaterThan(0);
    expect(await redis.pttl('holdfast:limit:gone')).toBeLessThanOrEqual(4_000);
    await shared.settle([{ key: 'gone', size: size(10, 1), spent: -4, want: 0 }]);
    expect(await redis.exists('holdfast:limit:gone')).toBe(0);
  });
});

test('the memory of a process forgets what was used longest ago', async () => {
  const memory = new LocalBuckets({ capacity: 2, now: () => 0 });
  const take = async (key: string) => (await memory.settle([{ key, size: size(1, 0.001), spent: 0, want: 1 }]))[0]!;
  for (const key of ['a', 'b', 'a', 'c']) await take(key);
  expect((await take('a')).granted).toBe(0);
  expect((await take('b')).granted).toBe(1);
});

describe('an answer of Redis that belongs to another call', () => {
  let losesAnswer = false;
  let between: net.Server;
  let client: Redis;
  beforeAll(async () => {
    between = net.createServer((from) => {
      const to = net.connect(Number(new URL(server.url).port), '127.0.0.1');
      from.pipe(to);
      to.on('data', (bytes) => {
        if (losesAnswer) losesAnswer = false;
        else from.write(bytes);
      });
      for (const [one, other] of [[from, to] as const, [to, from] as const])
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const { port } = between.address() as net.AddressInfo;
    client = connectRedis(`redis://127.0.0.1:${port}`, createLogger({ service: 'test', level: 'silent' }));
    await until('Redis is connected', () => client.status === 'ready');
  });
  afterAll(() => {
    client.disconnect();
    between.close();
  });

  test('is refused, and the connection is made anew', async () => {
    const buckets = new RedisBuckets(client);
    const one = (key: string, want: number) => ({ key, size: size(1_000, 1), spent: 0, want });
    const granted = async (...keys: string[]) =>
      (await buckets.settle(keys.map((key, i) => one(key, i + 1)))).map((grant) => grant.granted);
    expect(await granted('a', 'b')).toEqual([1, 2]);

    losesAnswer = true;
    await expect(granted('a')).rejects.toThrow('Command timed out');
    // From here on each call gets the answer of the one after it.
    const [second, third] = await Promise.allSettled([granted('a', 'b'), granted('a', 'b')]);
    expect([second.status, third.status]).toEqual(['rejected', 'rejected']);
    await until('the connection to be made anew', () => client.status === 'ready');
    expect(await granted('a', 'b', 'c')).toEqual([1, 2, 3]);
  });
});
