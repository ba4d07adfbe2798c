import { join } from 'node:path';
import { inspect } from 'node:util';
import { loadTestConfig } from '@holdfast/launcher/src/config.ts';
import { openDataDir } from '@holdfast/launcher/src/data-dir.ts';
import { startGuard } from '@holdfast/launcher/src/guard.ts';
import { openProgress } from '@holdfast/launcher/src/progress.ts';
import { onStopRequest } from '@holdfast/launcher/src/stop-request.ts';
import { startTestServers, type TestServers } from '@holdfast/launcher/src/test-servers.ts';
import { unprivilegedUser } from '@holdfast/launcher/src/unprivileged-user.ts';
import { readArguments, type NemesisArguments } from './arguments.ts';
import { coverageTable } from './coverage-table.ts';
import { planOf } from './plan.ts';
import { runSeed, type SeedReport } from './run-seed.ts';

const USAGE_ERROR = 64;

const args = argumentsOrExit();
const config = loadTestConfig();
const out = args.json ? process.stderr : process.stdout;
const progress = openProgress(config.HOLDFAST_STARTED_AT ?? Date.now(), (text) => out.write(text));
const stopRequest = onStopRequest();
const guard = startGuard();
const reports: SeedReport[] = [];
let servers: TestServers | undefined;
let exitCode = 1;
try {
  const dataDir = openDataDir(config.HOLDFAST_DATA_DIR);
  const context = {
    dataDir,
    variables: config,
    user: unprivilegedUser(),
    log: (line: string) => progress.detail(line),
  };
  // Sessions of PostgreSQL are killed here, and it then has what it wrote to its log: the settings are those of production.
  servers = await startTestServers(context, guard, progress, {
    ...{ allowBrokenMigrations: false, inContainers: false, postgresMode: 'durable' },
  });
  Object.assign(process.env, servers.env);
  for (let seed = args.seed; seed < args.seed + args.seeds && !stopRequest.wanted; seed += 1) {
    const plan = planOf(seed, { seconds: args.seconds, ownServers: true });
    const count = plan.steps.flatMap(({ faults }) => faults).length;
    progress.step(`seed ${seed}: ${plan.clients} clients, ${count} faults in at least ${plan.seconds} s`);
    const report = await runSeed(plan, {
      dir: join(dataDir, 'nemesis'),
      answerMs: args.answerMs,
      onProgress: (line) => progress.detail(line),
      wanted: () => !stopRequest.wanted,
    });
    if (stopRequest.wanted) break;
    reports.push(report);
    showReport(report);
  }
  showSummary();
  const ok = reports.length === args.seeds && reports.every((report) => report.ok);
  exitCode = stopRequest.wanted ? 130 : ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${inspect(error)}\n`);
} finally {
  await servers?.stop();
  guard.close();
}
process.stdout.write('', () => process.exit(exitCode));

function showReport(report: SeedReport): void {
  const calls = Object.entries(report.calls).map(
    ([kind, ends]) =>
      `${kind} ${Object.entries(ends)
        .map(([type, count]) => `${count} ${type}`)
        .join(' ')}`,
  );
  progress.detail(calls.join(', '));
  progress.detail(`slowest answer ${report.slowestMs} ms, at rest ${report.quietAfterMs} ms after the last healing`);
  for (const line of report.broken) progress.detail(`BROKEN: ${line}`);
  if (report.ok) return;
  progress.detail(`the clients' account, and the services' logs beside it: ${report.history}`);
  progress.detail(`again: npm run test:nemesis -- --seed ${report.seed} --seconds ${args.seconds}`);
}

function showSummary(): void {
  const failed = reports.filter((report) => !report.ok).map((report) => report.seed);
  const faults = reports.flatMap((report) => report.faults);
  if (args.json) {
    process.stdout.write(
      `${JSON.stringify({ ok: failed.length === 0, seconds: args.seconds, seeds: reports }, null, 2)}\n`,
    );
    return;
  }
  for (const line of coverageTable(faults)) progress.detail(line);
  const sum = (of: (report: SeedReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  progress.step(
    `${reports.length} seeds, ${faults.filter(({ missed }) => missed === null).length} faults, ${sum((report) => report.confirmed)} confirmations; ` +
      (failed.length === 0 ? 'every promise kept' : `broken with ${failed.length}: ${failed.join(', ')}`),
  );
}

function argumentsOrExit(): NemesisArguments {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nnpm run test:nemesis -- --help explains.\n`);
    process.exit(USAGE_ERROR);
  }
}
