import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectRedis, type Redis } from '@holdfast/shared/redis/redis';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startTestRedis, type TestRedis } from '@holdfast/shared/testing/test-redis';
import { until } from '@holdfast/shared/testing/until';
import type { BucketSize } from './bucket-rules.ts';
import { LocalBuckets, type Buckets } from './buckets.ts';
import { LeasedLimiter } from './leased-limiter.ts';
import { RedisBuckets } from './redis-buckets.ts';

let server: TestRedis;
const clients: Redis[] = [];
const logger = createLogger({ service: 'test', level: 'silent' });
beforeAll(async () => {
  server = await startTestRedis();
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

/** A gateway of its own, with its own connection. */
async function gateway(): Promise<LeasedLimiter> {
  const redis = connectRedis(server.url, logger);
  clients.push(redis);
  await until('Redis is connected', () => redis.status === 'ready');
  return new LeasedLimiter({ shared: new RedisBuckets(redis), logger });
}

// Fills with 6 tokens a minute: nothing during a test.
const bucket = (capacity: number, blockMs = 0): BucketSize => ({ capacity, perMs: 6 / 60_000, blockMs });
const takeMany = async (limiter: LeasedLimiter, count: number, key: string, size: BucketSize) =>
  Promise.all(Array.from({ length: count }, async () => limiter.take(key, size)));
const allowed = (verdicts: readonly { ok: boolean }[]) => verdicts.filter(({ ok }) => ok).length;

describe('with shared buckets', () => {
  test('a crowd at one gateway gets what there is and not one more', async () => {
    const one = await gateway();
    const verdicts = await takeMany(one, 300, 'crowd', bucket(120));
    expect(allowed(verdicts)).toBe(120);
    for (const verdict of verdicts.filter(({ ok }) => !ok)) {
      expect(verdict.left).toBe(0);
      expect(verdict.waitMs).toBeGreaterThan(0);
    }
  });

  test('two gateways give out one bucket, but for what each may spend on credit', async () => {
    const [one, two] = [await gateway(), await gateway()];
    const verdicts = await Promise.all([
      takeMany(one, 200, 'both', bucket(120)),
      takeMany(two, 200, 'both', bucket(120)),
    ]);
    const total = allowed(verdicts.flat());
    expect(total).toBeGreaterThanOrEqual(120);
    // A twentieth each.
    expect(total).toBeLessThanOrEqual(132);
    await Promise.all([one.settle(), two.settle()]);
    // What was spent too much is owed: there is no second credit.
    expect(allowed(await takeMany(two, 50, 'both', bucket(120)))).toBe(0);
  });

  test('what one gateway saw is known at the other, and leases that lie unused are given back', async () => {
    const [one, two] = [await gateway(), await gateway()];
    for (let n = 0; n < 60; n += 1) await one.take('walk', bucket(100));
    await one.stop();
    expect(allowed(await takeMany(two, 60, 'walk', bucket(100)))).toBe(40);
  });

  test('a bucket that is known to be empty is not asked again', async () => {
    const one = await gateway();
    await takeMany(one, 10, 'empty', bucket(3));
    const again = one.take('empty', bucket(3));
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toMatchObject({ ok: false });
    expect(one.closedFor('empty')).toBeGreaterThan(0);
    expect(one.closedFor('never used')).toBe(0);
  });
});

describe('the first requests', () => {
  test('wait for nobody, and are written down at the next settlement', async () => {
    const asked: number[] = [];
    const shared: Buckets = {
      settle: (asks) => {
        asked.push(...asks.map(({ spent }) => spent));
        return Promise.resolve(asks.map(() => ({ granted: 0, left: 50, waitMs: 0 })));
      },
    };
    const limiter = new LeasedLimiter({ shared, logger });
    for (let n = 0; n < 5; n += 1) expect(limiter.take('new', bucket(120))).toMatchObject({ ok: true });
    expect(asked).toEqual([]);
    await limiter.settle();
    expect(asked).toEqual([5]);
    await limiter.stop();
  });
});

describe('without anybody who settles', () => {
  /** Shared buckets, and what was drawn from them in all. */
  function counted() {
    const buckets = new LocalBuckets();
    let drawn = 0;
    const shared: Buckets = {
      settle: async (asks) => {
        const grants = await buckets.settle(asks);
        asks.forEach(({ spent }, i) => (drawn += spent + grants[i]!.granted));
        return grants;
      },
    };
    return { shared, drawn: () => drawn };
  }

  test('what was spent is written down', async () => {
    const { shared, drawn } = counted();
    const limiter = new LeasedLimiter({ shared, logger });
    expect(limiter.take('new', bucket(120))).toMatchObject({ ok: true });
    await until('it is written down', () => drawn() === 1);
    await limiter.stop();
  });

  test('a lease of which some was used is given back', async () => {
    const { shared, drawn } = counted();
    const limiter = new LeasedLimiter({ shared, logger });
    let used = 0;
    // Until there is a lease, and some more of it.
    for (let more = 3; more > 0; used += 1) {
      expect(await limiter.take('walk', bucket(200))).toMatchObject({ ok: true });
      if (drawn() > used + 1) more -= 1;
    }
    expect(drawn()).toBeGreaterThan(used);
    await until('the rest is back', () => drawn() === used);
    await limiter.stop();
  });
});

describe('while Redis is away', () => {
  test('each process counts for itself, and with the others again when it is back', async () => {
    const limiter = await gateway();
    expect(allowed(await takeMany(limiter, 10, 'outage', bucket(4)))).toBe(4);
    await server.kill();
    // The bucket of before is known to be empty; a new subject is counted here.
    expect(allowed(await takeMany(limiter, 10, 'outage', bucket(4)))).toBe(0);
    expect(allowed(await takeMany(limiter, 10, 'alone', bucket(4)))).toBe(4);
    await server.restart();
    const other = await gateway();
    await until('the first is connected again', async () => {
      const key = `back:${performance.now()}`;
      await takeMany(limiter, 4, key, bucket(4));
      return allowed(await takeMany(other, 4, key, bucket(4))) === 0;
    });
  });
});

test('without Redis the process counts for itself', async () => {
  let now = 0;
  const limiter = new LeasedLimiter({
    shared: null,
    logger,
    local: new LocalBuckets({ now: () => now }),
    now: () => now,
  });
  expect(allowed(await takeMany(limiter, 10, 'k', bucket(4)))).toBe(4);
  now += 10_000;
  expect(allowed(await takeMany(limiter, 10, 'k', bucket(4)))).toBe(1);
});

test('buckets that are not in use are forgotten when there are too many', async () => {
  const limiter = new LeasedLimiter({ shared: null, logger, remembered: 10 });
  for (let n = 0; n < 100; n += 1) {
    await limiter.take(`k${n}`, bucket(100));
    await limiter.settle();
  }
  expect(limiter.remembered).toBeLessThanOrEqual(11);
});
