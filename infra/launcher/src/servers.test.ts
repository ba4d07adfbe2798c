import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@holdfast/shared/testing/free-port';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { pingNats, startNats } from './nats.ts';
import { pingRedis, startRedis } from './redis.ts';

describe('a server of the stack', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(testEnvironment().HOLDFAST_TEST_DIR, 'servers-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test('NATS answers with JetStream, and its monitoring pages are there', async () => {
    const [port, monitorPort] = [await freePort(), await freePort()];
    const nats = await startNats({
      program: testEnvironment().HOLDFAST_TEST_NATS_SERVER,
      dataDir: join(dir, 'nats'),
      port,
      monitorPort,
    });
    try {
      expect(await pingNats(nats.url)).toMatch(/^2\./);
      const page = await fetch(`http://127.0.0.1:${monitorPort}/jsz`);
      expect(await page.json()).toMatchObject({ config: { store_dir: expect.stringContaining(dir) } });
    } finally {
      await nats.stop();
    }
    await expect(pingNats(nats.url)).rejects.toThrow();
  });

  test('Redis answers, and keeps nothing on disk', async () => {
    const program = testEnvironment().HOLDFAST_TEST_REDIS_SERVER;
    if (program === undefined) throw new Error('this test needs a redis-server');
    const redis = await startRedis({ program, dataDir: join(dir, 'redis'), port: await freePort() });
    await pingRedis(redis.url);
    await redis.stop();
    await expect(pingRedis(redis.url)).rejects.toThrow();
  });

  test('that cannot start says why, in its own words', async () => {
    const program = { command: '/bin/sh', args: ['-c', 'echo "bind: address already in use" >&2; exit 1'] };
    await expect(startNats({ program, dataDir: join(dir, 'n2'), port: await freePort() })).rejects.toThrow(
      /NATS ended with exit code 1 while starting:\nbind: address already in use/,
    );
  });
});
