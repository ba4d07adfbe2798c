import { spawn, type ChildProcess } from 'node:child_process';

/** A child process of a test, ended at the latest when the test's own process ends. */
export interface TestProcess {
  readonly pid: number;
  /** Lines of stdout and stderr so far. */
  readonly lines: readonly string[];
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  isRunning(): boolean;
  /** Resolves with the first line, past or future, that matches; rejects when the process ends without one. */
  waitForLine(pattern: RegExp): Promise<string>;
  /** Sends a signal (SIGKILL unless told) and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface TestProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What is sent in the place of SIGKILL. */
  readonly killSignal?: NodeJS.Signals;
}

const children = new Set<ChildProcess>();
// The exit of the test's process is the last moment to end what a failed test left running.
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function startTestProcess(options: TestProcessOptions): TestProcess {
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  children.add(child);
  const lines: string[] = [];
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const listener of [...listeners]) listener();
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      notify();
    });
  }
  let running = true;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      running = false;
      children.delete(child);
      notify();
      resolve({ code, signal });
    };
    child.once('close', end);
    child.once('error', (error) => {
      lines.push(error.message);
      end(null, null);
    });
  });
  return {
    pid: child.pid ?? -1,
    lines,
    exited,
    isRunning: () => running,
    waitForLine: (pattern) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        const look = () => {
          for (; seen < lines.length; seen += 1) {
            const line = lines[seen] ?? '';
            if (pattern.test(line)) {
              listeners.delete(look);
              resolve(line);
              return;
            }
          }
          if (running) return;
          listeners.delete(look);
          reject(new Error(`${options.command} ended without a line like ${pattern}:\n${lines.slice(-20).join('\n')}`));
        };
        listeners.add(look);
        look();
      }),
    async kill(signal = 'SIGKILL') {
      if (running) child.kill(signal === 'SIGKILL' ? (options.killSignal ?? signal) : signal);
      await exited;
    },
  };
}

/** Calls `probe` until it succeeds; rejects with the process's last lines when it ends first or the time is over. */
export async function untilReady(
  process_: TestProcess,
  probe: () => Promise<unknown>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      cause = error;
    }
    const words = () => process_.lines.slice(-20).join('\n');
    if (!process_.isRunning()) throw new Error(`the process ended while starting:\n${words()}`, { cause });
    if (Date.now() > deadline)
      throw new Error(`the process was not ready within ${timeoutMs} ms:\n${words()}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
