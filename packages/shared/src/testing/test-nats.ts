import { cpSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import type { Login } from '../secrets/url-login.ts';
import { freePort, probePort } from './free-port.ts';
import { testEnvironment } from './test-environment.ts';
import { startTestProcess, untilReady, type TestProcess } from './test-process.ts';

export interface TestNats {
  readonly url: string;
  readonly port: number;
  /** The running server: another one after `restart`. */
  process(): TestProcess;
  /** Kills it as a crash would; the store stays. */
  kill(): Promise<void>;
  /**
   * Starts it again on its port; with `wipe` the store is emptied first, with `login` it takes nobody else from then on. `roomBytes` is
   * what its store may have until the next restart: beyond it every message is refused, as on a disk that is full.
   */
  restart(options?: { readonly wipe?: boolean; readonly login?: Login; readonly roomBytes?: number }): Promise<void>;
  /** Restarts it and keeps a copy of its store as it was in between, for `restoreStore`. */
  copyStore(): Promise<void>;
  /**
   * Restarts it on the copy, as after a power cut that took what was not on disk yet. `messages` takes the streams' messages back
   * and leaves the consumers where they were, which some power cuts do.
   */
  restoreStore(part: 'all' | 'messages'): Promise<void>;
  /** Ends it and removes its store. */
  stop(): Promise<void>;
}

/** Starts a nats-server with JetStream for one test file. With `login` it takes nobody else. */
export async function startTestNats(options: { readonly login?: Login } = {}): Promise<TestNats> {
  const environment = testEnvironment();
  const program = environment.HOLDFAST_TEST_NATS_SERVER;
  const dir = mkdtempSync(join(environment.HOLDFAST_TEST_DIR, 'nats-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  let { login } = options;
  const configFile = join(dir, 'nats.conf');
  const start = async (roomBytes?: number) => {
    // There is no argument for it.
    writeFileSync(configFile, roomBytes === undefined ? '' : `jetstream { max_file_store: ${roomBytes} }\n`);
    const who = login ? { user: login.user, pass: login.password } : {};
    const started = startTestProcess({
      command: program.command,
      args: [
        ...program.args,
        '-c',
        configFile,
        '-a',
        '127.0.0.1',
        '-p',
        String(port),
        '-js',
        '-sd',
        dir,
        ...(login ? ['--user', login.user, '--pass', login.password] : []),
      ],
      env: { ...process.env, ...program.env },
      killSignal: program.killSignal,
    });
    await untilReady(started, async () => {
      // The client keeps a timer for each refused connection, which would hold up the end of the test.
      await probePort(port);
      const connection = await connect({ servers: url, reconnect: false, timeout: 1000, ...who });
      await connection.flush();
      await connection.close();
    });
    return started;
  };
  let running = await start();
  const store = join(dir, 'jetstream');
  const copy = join(dir, 'copy');
  return {
    url,
    port,
    process: () => running,
    kill: () => running.kill(),
    async restart(options) {
      await running.kill();
      login = options?.login ?? login;
      if (options?.wipe === true) rmSync(store, { recursive: true, force: true });
      running = await start(options?.roomBytes);
    },
    async copyStore() {
      // Consumers write their state a moment after each change, and at a proper end at once.
      await running.kill('SIGTERM');
      rmSync(copy, { recursive: true, force: true });
      cpSync(store, copy, { recursive: true });
      running = await start();
    },
    async restoreStore(part) {
      await running.kill('SIGTERM');
      if (part === 'all') {
        rmSync(store, { recursive: true, force: true });
        cpSync(copy, store, { recursive: true });
      } else {
        for (const folder of globSync('$G/streams/*/msgs', { cwd: copy })) {
          rmSync(join(store, folder), { recursive: true, force: true });
          cpSync(join(copy, folder), join(store, folder), { recursive: true });
        }
      }
      running = await start();
    },
    async stop() {
      await running.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
