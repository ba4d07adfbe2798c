import { join } from 'node:path';
import { loadavg } from 'node:os';
import { startGuard } from '@holdfast/launcher/src/guard.ts';
import { openProgress } from '@holdfast/launcher/src/progress.ts';
import { onStopRequest } from '@holdfast/launcher/src/stop-request.ts';
import pg from 'pg';
import { readArguments, USAGE, UsageError, type BenchArguments } from './arguments.ts';
import { loadBenchConfig, prepareStackEnvironment, UNBOUND } from './config.ts';
import { endLoad } from './load/child.ts';
import { RESULTS_DIR, keepResult } from './report/keep-result.ts';
import { isInOrder } from './report/result.ts';
import { toTable } from './report/table.ts';
import { runBenches } from './run-benches.ts';
import { serverVersions, startBenchStack, type BenchStack } from './stack/bench-stack.ts';

const args = argumentsOrExit();
const config = loadBenchConfig();
const progress = openProgress(config.HOLDFAST_STARTED_AT ?? Date.now(), (text) =>
  (args.json ? process.stderr : process.stdout).write(text),
);
const loadBefore = loadavg()[0] ?? 0;
// Each process writes its profile when it ends.
const profiling = args.profile ? `--cpu-prof --cpu-prof-dir=${join(RESULTS_DIR, 'profiles')}` : '';
prepareStackEnvironment(`${args.nodeOptions} ${profiling}`.trim());
const stopRequest = onStopRequest();
const guard = startGuard();
let stack: BenchStack | undefined;
let exitCode = 1;
try {
  await Promise.race([measure(), stopWanted()]);
} catch (error) {
  if (!stopRequest.wanted) process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
}
if (stopRequest.wanted) exitCode = 130;
progress.step('stopping');
endLoad();
await stack?.stop();
guard.close();
process.stdout.write('', () => process.exit(exitCode));

async function measure(): Promise<void> {
  stack = await startBenchStack(config, guard, progress);
  const admin = new pg.Client({ connectionString: stack.adminUrl });
  // A connection that the end of the stack cuts is no news.
  admin.on('error', () => undefined);
  await admin.connect();
  const versions = await serverVersions(config);
  const { seconds, rounds, patienceSeconds, benches } = args;
  const result = await runBenches(
    benches,
    { stack, admin, seconds, rounds, patienceSeconds, progress },
    { versions, services: { ...UNBOUND, NODE_OPTIONS: args.nodeOptions }, loadBefore },
  );
  await admin.end();
  const name = keepResult(
    result,
    benches.map((bench) => bench.name),
  );
  if (args.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(`\n${toTable(result)}\n`);
  progress.step(`kept as bench/results/${name}.json and .svg`);
  exitCode = isInOrder(result) ? 0 : 1;
}

function stopWanted(): Promise<void> {
  return new Promise((resolve) => stopRequest.whenWanted(resolve));
}

function argumentsOrExit(): BenchArguments {
  try {
    const read = readArguments(process.argv.slice(2));
    if (!read.help) return read;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nnpm run bench -- --help shows what there is\n`);
    process.exit(64);
  }
}
