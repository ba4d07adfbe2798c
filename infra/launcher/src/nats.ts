import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstLine } from './first-line.ts';
import { spawnServer, waitUntilReady, type Program, type ServerProcess } from './server-process.ts';

export interface NatsOptions {
  readonly program: Program;
  /** Holds the configuration and the JetStream store; created when absent. */
  readonly dataDir: string;
  readonly port: number;
  /** Port of the monitoring pages (/varz, /jsz), also on loopback; none without it. */
  readonly monitorPort?: number;
  readonly logFile?: string;
  /** Variables for the process beside this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process as soon as it exists, before it is ready. */
  readonly onSpawn?: (process: ServerProcess) => void;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly process: ServerProcess;
  stop(): Promise<void>;
}

/**
 * Starts a nats-server with JetStream on loopback and waits until it answers a ping. Only settings that nats-server 2.9.10 knows are
 * used: it refuses a configuration with an unknown field.
 */
export async function startNats(options: NatsOptions): Promise<RunningServer> {
  mkdirSync(options.dataDir, { recursive: true });
  const configFile = join(options.dataDir, 'nats.conf');
  writeFileSync(
    configFile,
    [
      'host: "127.0.0.1"',
      `port: ${options.port}`,
      ...(options.monitorPort === undefined ? [] : [`http: "127.0.0.1:${options.monitorPort}"`]),
      'server_name: "holdfast"',
      // A message carries one event; the largest is a callback of the provider as it came in, at most 1 MiB.
      'max_payload: 2MB',
      `jetstream { store_dir: ${JSON.stringify(join(options.dataDir, 'store'))}, max_memory_store: 64MB, max_file_store: 16GB }`,
      // On SIGUSR2 only; a plain SIGTERM ends at once, and the outbox publishes again what was not acknowledged.
      'lame_duck_duration: "30s"',
      '',
    ].join('\n'),
  );
  const server = await spawnServer({
    program: options.program,
    args: ['-c', configFile],
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.env === undefined ? {} : { env: options.env }),
    onSpawn: options.onSpawn,
  });
  const url = `nats://127.0.0.1:${options.port}`;
  await waitUntilReady('NATS', server, () => pingNats(url));
  return { url, port: options.port, pid: server.pid, process: server, stop: () => server.stop('SIGTERM') };
}

/**
 * Succeeds when the server greets with JetStream switched on; gives its version. The greeting is the first line of the protocol, so that
 * the launcher needs no client library, and it comes before any login.
 */
export async function pingNats(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const greeting = await firstLine(hostname, Number(port || 4222), '');
  const info = greeting.startsWith('INFO ')
    ? (JSON.parse(greeting.slice(5)) as { version?: string; jetstream?: boolean })
    : {};
  if (info.version === undefined) throw new Error(`${hostname}:${port} is not a NATS server`);
  if (info.jetstream !== true) throw new Error(`JetStream is switched off (start the server with -js)`);
  return info.version;
}
