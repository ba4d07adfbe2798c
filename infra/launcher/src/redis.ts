import { mkdirSync } from 'node:fs';
import { firstLine } from './first-line.ts';
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
  const { hostname, port } = new URL(url);
  const answer = await firstLine(hostname, Number(port || 6379), 'PING\r\n');
  // NOAUTH is an answer too: a server that wants a password is up.
  if (!answer.startsWith('+PONG') && !answer.startsWith('-NOAUTH')) throw new Error(`it answers PING with ${answer}`);
}
