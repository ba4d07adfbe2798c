import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
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
  /** Starts it again on its port; with `wipe` the store is emptied first. */
  restart(options?: { readonly wipe?: boolean }): Promise<void>;
  /** Ends it and removes its store. */
  stop(): Promise<void>;
}

/** Starts a nats-server with JetStream for one test file. */
export async function startTestNats(): Promise<TestNats> {
  const environment = testEnvironment();
  const program = environment.HOLDFAST_TEST_NATS_SERVER;
  const dir = mkdtempSync(join(environment.HOLDFAST_TEST_DIR, 'nats-'));
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const start = async () => {
    const started = startTestProcess({
      command: program.command,
      args: [...program.args, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', dir],
      env: { ...process.env, ...program.env },
    });
    await untilReady(started, async () => {
      // The client keeps a timer for each refused connection, which would hold up the end of the test.
      await probePort(port);
      const connection = await connect({ servers: url, reconnect: false, timeout: 1000 });
      await connection.flush();
      await connection.close();
    });
    return started;
  };
  let running = await start();
  return {
    url,
    port,
    process: () => running,
    kill: () => running.kill(),
    async restart(options) {
      await running.kill();
      if (options?.wipe === true) rmSync(join(dir, 'jetstream'), { recursive: true, force: true });
      running = await start();
    },
    async stop() {
      await running.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
