import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectRedis, type Redis } from '../redis/redis.ts';
import { createLogger } from '../telemetry/logger.ts';
import { startTestRedis, type TestRedis } from '../testing/test-redis.ts';
import { until } from '../testing/until.ts';
import { LoopLock } from './loop-lock.ts';

let server: TestRedis;
let redis: Redis;
const logger = createLogger({ service: 'test', level: 'silent' });

beforeAll(async () => {
  server = await startTestRedis();
  redis = connectRedis(server.url, logger);
  await until('Redis is connected', () => Promise.resolve(redis.status === 'ready'));
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** A piece of work that goes on until the test lets it end. */
function aLongRound() {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begun: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  return { work: () => (begun(), ended.then(() => 'done')), started, end: () => end() };
}

test('while one replica is at it the others leave it alone, and afterwards they do it', async () => {
  const [one, two] = [new LoopLock({ redis, name: 'a' }), new LoopLock({ redis, name: 'a' })];
  const round = aLongRound();
  const running = one.run(round.work);
  await round.started;
  expect(await two.run(() => Promise.resolve('twice'))).toBeNull();
  round.end();
  expect(await running).toBe('done');
  expect(await two.run(() => Promise.resolve('next'))).toBe('next');
});

test('a lock that is never given is not believed for ever', async () => {
  await redis.set('holdfast:loop:b', 'a lie');
  const impatient = new LoopLock({ redis, name: 'b', patienceMs: 0 });
  expect(await impatient.run(() => Promise.resolve('worked'))).toBe('worked');
  const patient = new LoopLock({ redis, name: 'b', patienceMs: 60_000 });
  expect(await patient.run(() => Promise.resolve('worked'))).toBeNull();
});

test('without Redis, and when it dies, every round runs', async () => {
  expect(await new LoopLock({ redis: null, name: 'c' }).run(() => Promise.resolve(1))).toBe(1);
  await server.kill();
  await until('Redis is gone', () => Promise.resolve(redis.status !== 'ready'));
  expect(await new LoopLock({ redis, name: 'c' }).run(() => Promise.resolve(2))).toBe(2);
  await server.restart();
  await until('Redis is connected', () => Promise.resolve(redis.status === 'ready'));
});

test('what the work throws comes through, and the lock is free again', async () => {
  const lock = new LoopLock({ redis, name: 'd' });
  await expect(lock.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await lock.run(() => Promise.resolve(1))).toBe(1);
});
