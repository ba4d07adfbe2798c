import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadTestConfig } from './config.ts';
import { openDataDir, ROOT } from './data-dir.ts';
import { startGuard } from './guard.ts';
import { onStopRequest } from './stop-request.ts';
import { openProgress } from './progress.ts';
import { countsLine, exitCodeOf, type TestCounts } from './test-counts.ts';
import { serveUntilStopped } from './test-env.ts';
import { startTestServers, type TestServers } from './test-servers.ts';
import { unprivilegedUser } from './unprivileged-user.ts';

/** How long jest may take to end after its last test: a socket left open must not keep the run from its result. */
const EXIT_GRACE_MS = 10_000;

const config = loadTestConfig();
const progress = openProgress(config.HOLDFAST_STARTED_AT ?? Date.now());
const guard = startGuard();
const jestArgs = process.argv.slice(2).filter((argument) => argument !== '--servers');
const stopRequest = onStopRequest();

let exitCode = 1;
let counts: TestCounts | undefined;
let servers: TestServers | undefined;
try {
  progress.step('looking for the servers that the tests run against');
  const context = {
    dataDir: openDataDir(config.HOLDFAST_DATA_DIR),
    variables: config,
    user: unprivilegedUser(),
    log: (line: string) => progress.detail(line),
  };
  servers = await startTestServers(context, guard, progress, {
    // A run of some files is somebody at work on them; the whole run must find everything in order.
    allowBrokenMigrations: process.argv.length > 2,
    inContainers: config.TEST_INFRA === 'containers',
    postgresMode: 'test',
  });
  if (process.argv.includes('--servers')) {
    exitCode = await serveUntilStopped(servers.env, stopRequest);
  } else {
    progress.step('running the tests');
    const jestExitCode = await runJest(servers.env, jestArgs);
    counts = readCounts(resultsFile(servers.env)) ?? { passed: 0, failed: 1, skipped: 0 };
    exitCode = stopRequest.wanted ? 130 : exitCodeOf(counts, jestExitCode);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  counts = { passed: 0, failed: 1, skipped: 0 };
} finally {
  await servers?.stop();
  guard.close();
}
if (counts !== undefined) {
  progress.step(exitCode === 0 ? 'all tests passed' : 'not all is well; the reasons are above');
  process.stdout.write(`${countsLine(counts)}\n`);
}
process.exitCode = exitCode;
// What is still open now (an idle socket of a library) has no work left to do.
process.stdout.write('', () => process.exit(exitCode));

function runJest(env: Readonly<Record<string, string>>, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        join(ROOT, 'node_modules/jest/bin/jest.js'),
        ...['--config', join(ROOT, 'jest.config.mjs')],
        ...args,
      ],
      {
        cwd: ROOT,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, ...env, HOLDFAST_TEST_RESULTS: resultsFile(env), NODE_ENV: 'test' },
      },
    );
    if (child.pid !== undefined) guard.add(child.pid, 'worker');
    const watch = setInterval(() => {
      if (!existsSync(resultsFile(env))) return;
      clearInterval(watch);
      setTimeout(() => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        process.stderr.write(
          `jest did not end within ${EXIT_GRACE_MS / 1000} s of its last test: a test leaves something open\n`,
        );
        child.kill('SIGKILL');
      }, EXIT_GRACE_MS).unref();
    }, 200);
    stopRequest.whenWanted(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      if (child.pid !== undefined) guard.remove(child.pid);
      resolve(signal === 'SIGKILL' ? 0 : code);
    });
  });
}

function resultsFile(env: Readonly<Record<string, string>>): string {
  return join(env['HOLDFAST_TEST_DIR'] ?? ROOT, 'results.json');
}

function readCounts(file: string): TestCounts | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TestCounts) : undefined;
}
