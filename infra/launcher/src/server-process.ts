import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, statSync, renameSync, type WriteStream } from 'node:fs';
import { asUser, type UnprivilegedUser } from './unprivileged-user.ts';

/** A program and how to call it; the arguments of a start are added to `args`. */
export interface Program {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program drops to another account by itself; it is started as this process's own. */
  readonly changesUser?: boolean;
}

export interface SpawnOptions {
  readonly program: Program;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Variables beside this process's own and the program's. */
  readonly env?: Readonly<Record<string, string>>;
  /** The account to run as; this process's own without it. */
  readonly user?: UnprivilegedUser | undefined;
  /** Where stdout and stderr go; kept below `MAX_LOG_BYTES` (one older file beside it). Without it only the tail is kept. */
  readonly logFile?: string;
  /** Told of the process as soon as it exists. */
  readonly onSpawn?: ((process: ServerProcess) => void) | undefined;
}

const MAX_LOG_BYTES = 8 * 1024 * 1024;
const TAIL_LINES = 20;

/** A running child with its exit as a promise and the last lines it wrote, for error messages. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves with a sentence on how it ended; never rejects. */
  readonly exited: Promise<string>;
  isRunning(): boolean;
  tail(): string;
  /** Sends the signal, waits, and kills it when it has not gone within the time. Does nothing when it has ended. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

/**
 * Starts a child in a process group of its own: Ctrl-C at a terminal signals the whole foreground group, and would otherwise end the
 * database while services still finish their work.
 * @throws when the program cannot be started.
 */
export async function spawnServer(options: SpawnOptions): Promise<ServerProcess> {
  const log = options.logFile === undefined ? undefined : new BoundedLog(options.logFile);
  const tail: string[] = [];
  const child = spawn(options.program.command, [...(options.program.args ?? []), ...options.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...options.program.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.user === undefined || options.program.changesUser === true ? {} : asUser(options.user)),
  });
  const collect = (chunk: Buffer) => {
    log?.write(chunk);
    tail.push(...chunk.toString().split('\n').filter(Boolean));
    tail.splice(0, tail.length - TAIL_LINES);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);

  let running = true;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      running = false;
      const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      // Its last words may still be in the pipe; a grandchild that keeps the pipe open is not waited for.
      const timer = setTimeout(() => resolve(how), 200);
      child.once('close', () => {
        clearTimeout(timer);
        log?.end();
        resolve(how);
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`cannot start ${options.program.command}: ${error.message}`, { cause: error })),
    );
  });
  const server: ServerProcess = {
    child,
    pid: child.pid as number,
    exited,
    isRunning: () => running,
    tail: () => tail.join('\n'),
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      if (!running) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
  options.onSpawn?.(server);
  return server;
}

/** Appends to a file and starts a new one when it is full, keeping one older file. */
class BoundedLog {
  readonly #path: string;
  #stream: WriteStream;
  #bytes: number;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#stream = this.#open();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o600 });
    // A full disk must not take the stack down with it: what cannot be logged is dropped.
    stream.on('error', () => undefined);
    return stream;
  }

  write(chunk: Buffer): void {
    if (this.#bytes + chunk.length > MAX_LOG_BYTES) {
      this.#stream.end();
      renameSync(this.#path, `${this.#path}.1`);
      this.#stream = this.#open();
      this.#bytes = 0;
    }
    this.#bytes += chunk.length;
    this.#stream.write(chunk);
  }

  end(): void {
    this.#stream.end();
  }
}

/** Calls `probe` until it succeeds. @throws with the server's last words when it ends first or the time is over. */
export async function waitUntilReady(
  name: string,
  server: ServerProcess,
  probe: () => Promise<unknown>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  let ended: string | undefined;
  void server.exited.then((how) => {
    ended = how;
  });
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      lastError = error;
    }
    if (ended !== undefined)
      throw new Error(`${name} ${ended} while starting:\n${server.tail()}`, { cause: lastError });
    if (Date.now() > deadline) {
      await server.stop('SIGKILL');
      const reason = lastError instanceof Error ? lastError.message : String(lastError);
      throw new Error(`${name} was not ready within ${timeoutMs / 1000} s (${reason}):\n${server.tail()}`, {
        cause: lastError,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
