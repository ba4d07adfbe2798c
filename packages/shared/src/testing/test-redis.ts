import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { testEnvironment } from './test-environment.ts';
import { startTestProcess, untilReady, type TestProcess } from './test-process.ts';

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** The running server: another one after `restart`. */
  process(): TestProcess;
  /** Kills it as a crash would; everything in it is gone. */
  kill(): Promise<void>;
  /** Starts it again, empty, on its port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Redis without persistence for one test file. @throws when the test runner found no Redis server. */
export async function startTestRedis(): Promise<TestRedis> {
  const environment = testEnvironment();
  const program = environment.HOLDFAST_TEST_REDIS_SERVER;
  if (program === undefined) {
    throw new Error('the test runner found no redis-server: install one or set HOLDFAST_REDIS_SERVER to its file');
  }
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const start = async () => {
    const started = startTestProcess({
      command: program.command,
      args: [...program.args, '--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'],
      env: { ...process.env, ...program.env },
      killSignal: program.killSignal,
      cwd: environment.HOLDFAST_TEST_DIR,
    });
    await untilReady(started, async () => {
      const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
      redis.on('error', () => undefined);
      try {
        await redis.connect();
        await redis.ping();
      } finally {
        redis.disconnect();
      }
    });
    return started;
  };
  let running = await start();
  return {
    url,
    port,
    process: () => running,
    kill: () => running.kill(),
    async restart() {
      await running.kill();
      running = await start();
    },
    stop: () => running.kill(),
  };
}
