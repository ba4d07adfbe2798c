import { mkdirSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { RunningServer } from './nats.ts';
import { spawnServer, waitUntilReady, type Program, type ServerProcess } from './server-process.ts';

export interface RedisOptions {
  readonly program: Program;
  /** Working folder; nothing is written there, as persistence is off. */
  readonly dataDir: string;
  readonly port: number;
  readonly logFile?: string;
  /** Variables for the process beside this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process as soon as it exists, before it is ready. */
  readonly onSpawn?: (process: ServerProcess) => void;
}

/** Starts a Redis on loopback and waits until it answers PING. */
export async function startRedis(options: RedisOptions): Promise<RunningServer> {
  mkdirSync(options.dataDir, { recursive: true });
  const server = await spawnServer({
    program: options.program,
    args: [
      ...['--bind', '127.0.0.1', '--port', String(options.port), '--dir', options.dataDir, '--daemonize', 'no'],
      // Nothing in Redis is the truth: caches, rate limits and locks may vanish, and a restored old copy would only be stale.
      ...['--save', '', '--appendonly', 'no'],
      // Everything in it may be evicted for the same reason; the oldest unused key goes first, keys without an expiry included.
      ...['--maxmemory', '128mb', '--maxmemory-policy', 'allkeys-lru'],
    ],
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.env === undefined ? {} : { env: options.env }),
    onSpawn: options.onSpawn,
  });
  const url = `redis://127.0.0.1:${options.port}`;
  await waitUntilReady('Redis', server, () => pingRedis(url));
  return { url, port: options.port, pid: server.pid, process: server, stop: () => server.stop('SIGTERM', 5000) };
}

/** Succeeds when the server answers PING. */
export async function pingRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 1000,
    commandTimeout: 1000,
  });
  // ioredis reports a refused connection as an event too, which would end the process without a listener.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}
