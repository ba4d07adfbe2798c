import { randomInt } from 'node:crypto';
import { inspect, parseArgs } from 'node:util';
import { loadTestConfig } from '@holdfast/launcher/src/config.ts';
import { openDataDir } from '@holdfast/launcher/src/data-dir.ts';
import { startGuard } from '@holdfast/launcher/src/guard.ts';
import { openProgress } from '@holdfast/launcher/src/progress.ts';
import { onStopRequest } from '@holdfast/launcher/src/stop-request.ts';
import { startTestServers, type TestServers } from '@holdfast/launcher/src/test-servers.ts';
import { unprivilegedUser } from '@holdfast/launcher/src/unprivileged-user.ts';
import { driveStack } from '../support/driven-stack.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';
import { brokenAfterwards, fuzz, type FuzzReport } from './run-fuzz.ts';

const USAGE_ERROR = 64;
const EVERY = 500;

const args = readArguments();
const config = loadTestConfig();
const out = args.json ? process.stderr : process.stdout;
const progress = openProgress(config.HOLDFAST_STARTED_AT ?? Date.now(), (text) => out.write(text));
const stopRequest = onStopRequest();
const guard = startGuard();
let servers: TestServers | undefined;
let stack: Stack | undefined;
let exitCode = 1;
try {
  const context = {
    dataDir: openDataDir(config.HOLDFAST_DATA_DIR),
    variables: config,
    user: unprivilegedUser(),
    log: (line: string) => progress.detail(line),
  };
  servers = await startTestServers(context, guard, progress, {
    allowBrokenMigrations: false,
    inContainers: false,
    postgresMode: 'test',
  });
  Object.assign(process.env, servers.env);
  progress.step('starting a stack to fuzz');
  stack = await startStack({ parts: WHOLE_PATH });
  progress.step(`sending ${args.requests} requests; --seed ${args.seed} repeats this run`);
  const report = await fuzz(stack, await driveStack(stack), {
    ...args,
    wanted: () => !stopRequest.wanted,
    onRequest: (sent) => sent % EVERY === 0 && progress.detail(`${sent} sent`),
  });
  const broken = await brokenAfterwards(stack).catch((error: unknown) => [inspect(error)]);
  show(report, broken);
  exitCode = stopRequest.wanted ? 130 : report.findings.length === 0 && broken.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`${inspect(error)}\n`);
} finally {
  await stack?.stop();
  await servers?.stop();
  guard.close();
}
process.stdout.write('', () => process.exit(exitCode));

function show(report: FuzzReport, broken: readonly string[]): void {
  if (args.json) {
    process.stdout.write(`${JSON.stringify({ ...report, broken_invariants: broken }, null, 2)}\n`);
    return;
  }
  const { called, succeeded, all } = report.operations;
  const statuses = Object.entries(report.byStatus).map(([status, count]) => `${status}: ${count}`);
  progress.step(
    `${report.sent} requests in ${(report.ms / 1000).toFixed(1)} s; ${called} of ${all} operations, ${succeeded} with success`,
  );
  progress.detail(statuses.join(', '));
  for (const finding of report.findings) {
    progress.detail(`request ${finding.at}, ${finding.operation} as ${finding.actor}, answered ${finding.status}`);
    progress.detail(`  ${finding.request}`);
    for (const violation of finding.violations) progress.detail(`  ${violation}`);
  }
  for (const line of broken) progress.detail(`broken: ${line}`);
  progress.step(`${report.findings.length} findings, ${broken.length} broken promises of the data`);
}

function readArguments(): { seed: number; requests: number; json: boolean } {
  const whole = (name: string, text: string, least: number) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new Error(`--${name} must be a whole number from ${least} on`);
    return value;
  };
  try {
    const { values } = parseArgs({
      options: { seed: { type: 'string' }, requests: { type: 'string' }, json: { type: 'boolean' } },
    });
    return {
      seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed, 0),
      requests: whole('requests', values.requests ?? '2000', 1),
      json: values.json ?? false,
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nnpm run fuzz -- --help explains.\n`);
    process.exit(USAGE_ERROR);
  }
}
