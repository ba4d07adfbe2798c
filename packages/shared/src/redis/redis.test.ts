import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createLogger } from '../telemetry/logger.ts';
import { startTestRedis, type TestRedis } from '../testing/test-redis.ts';
import { until } from '../testing/until.ts';
import { connectRedis } from './redis.ts';

let server: TestRedis;
/** Somebody else than those whose password changes. */
let admin: Redis;
const clients: Redis[] = [];
beforeAll(async () => {
  server = await startTestRedis();
  const first = new Redis(server.url);
  await first.acl('SETUSER', 'admin', 'on', '>admin', '~*', '&*', '+@all');
  first.disconnect();
  admin = new Redis(server.url, { username: 'admin', password: 'admin' });
});
beforeEach(() => admin.acl('SETUSER', 'default', 'resetpass', '>before'));
afterAll(async () => {
  for (const client of [...clients, admin]) client.disconnect();
  await server.stop();
});

/** A client that asks for its password in `password.now`. */
async function connected() {
  const password = { now: 'before' };
  const url = { values: () => [server.url.replace('//', `//:${password.now}@`)] };
  const redis = connectRedis(url, createLogger({ service: 'test', level: 'silent' }));
  clients.push(redis);
  await until('it is let in', () => isIn(redis));
  return { redis, password };
}

const isIn = (redis: Redis) =>
  redis.ping().then(
    () => true,
    () => false,
  );
/** Of the default user, whose connections a password that changes does not end. */
const killAll = () => admin.client('KILL', 'USER', 'default');

test('a password that changes with an overlap: no command fails, and the next connection has the new one', async () => {
  const { redis, password } = await connected();
  await admin.acl('SETUSER', 'default', '>after');
  const introduced = Number(/cmdstat_auth:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0);
  password.now = 'after';
  await until('it has said who it is', async () => {
    // Each of these would reject.
    await redis.ping();
    const stats = /cmdstat_auth:calls=(\d+)/.exec(await admin.info('commandstats'));
    return Number(stats?.[1] ?? 0) > introduced;
  });
  await admin.acl('SETUSER', 'default', '<before');
  expect(await redis.ping()).toBe('PONG');
  await killAll();
  await until('it is in again', () => isIn(redis));
});

test('a password that the server changes first: out until the file has it, and in again then', async () => {
  const { redis, password } = await connected();
  await admin.acl('SETUSER', 'default', 'resetpass', '>after');
  await killAll();
  await until('it is out', async () => !(await isIn(redis)));
  password.now = 'after';
  await until('it is in again', () => isIn(redis));
});

test('a file that has the new password first: in again when the server has it', async () => {
  const { redis, password } = await connected();
  password.now = 'after';
  await until('it is out', async () => !(await isIn(redis)));
  await admin.acl('SETUSER', 'default', 'resetpass', '>after');
  await until('it is in again', () => isIn(redis));
});
