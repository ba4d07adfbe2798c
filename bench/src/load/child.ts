import { fork } from 'node:child_process';
import type { Sample } from './sample.ts';

/** Ends with this process; a load generator that outlives its bench would load whatever comes next. */
const running = new Set<() => void>();

/** Ends every load generator that still runs. */
export function endLoad(): void {
  for (const end of running) end();
}

/**
 * Runs a load generator in a process of its own, so that it takes its share of the machine like any client would, and is not
 * slowed by whatever this process does. @throws with its last words when it ends without a sample.
 */
export function runLoad<Result = Sample>(
  entry: URL,
  job: unknown,
  /** Told what it writes to stderr, for one that takes long before it measures. */
  onWords: (words: string) => void = () => undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    // NODE_OPTIONS may ask the stack's processes for profiles; the generator is not what is looked at.
    const { NODE_OPTIONS: _dropped, ...env } = process.env;
    const child = fork(entry, { env, stdio: ['ignore', 'inherit', 'pipe', 'ipc'], execArgv: [] });
    const end = () => child.kill('SIGKILL');
    running.add(end);
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      onWords(chunk.toString().trim());
      words = (words + chunk.toString()).slice(-4_000);
    });
    child.once('message', (result) => resolve(result as Result));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      running.delete(end);
      reject(new Error(`the load generator ended with ${signal ?? `code ${code}`} and without a result:\n${words}`));
    });
    child.send(job as object);
  });
}

/** The other end: does the one job that comes, reports what it showed and ends. */
export function serveLoad<Job, Result extends object>(work: (job: Job) => Promise<Result>): void {
  process.once('message', (job) => {
    work(job as Job).then(
      (result) => process.send?.(result, undefined, undefined, () => process.exit(0)),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        process.exit(1);
      },
    );
  });
}
