import { parseArgs } from 'node:util';
import { checkEventCatalogue } from './check/event-catalogue.ts';
import { checkMigrations } from './check/migrations.ts';
import { runSteps, summary, type Step } from './check/run-steps.ts';
import { withScratchPostgres } from './check/scratch-postgres.ts';
import { checkWorkspace } from './check/source-rules.ts';
import { TOOL_STEPS } from './check/tools.ts';
import { loadTestConfig } from './config.ts';
import { openDataDir, ROOT } from './data-dir.ts';
import { startGuard } from './guard.ts';
import { onStopRequest } from './stop-request.ts';
import { unprivilegedUser } from './unprivileged-user.ts';

const USAGE_ERROR = 64;

const STEPS: readonly Step[] = [
  ...TOOL_STEPS,
  {
    name: 'rules',
    title: 'our own rules on SQL and tests',
    run: async () => toOutcome(checkWorkspace(ROOT)),
  },
  {
    name: 'events',
    title: 'the event catalogue is up to date, and understood by the last release',
    run: async () => toOutcome(checkEventCatalogue(ROOT)),
  },
  {
    name: 'migrations',
    title: 'migrations up, down and up again on a new PostgreSQL',
    run: async () => toOutcome(await migrationFindings()),
  },
];

const HELP = `npm run check [-- options] [step …]

Checks the source without running it: ${STEPS.map((step) => step.name).join(', ')}. All steps run, also after one
has failed. Name steps to run only these.

${STEPS.map((step) => `  ${step.name.padEnd(12)} ${step.title}`).join('\n')}

  --json       one JSON object on stdout: {"ok","ms","steps":[{"name","title","ok","ms","report"}]}; progress goes to stderr
  --help       this text

Exit code: 0 when all is well, 1 when a step failed, ${USAGE_ERROR} when this command was called wrongly, 130 when it was stopped.
`;

// Node says so once for the type stripping that the rules use; it says nothing about the source.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`);
});
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseCommand(argv);
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\nnpm run check -- --help explains.\n`);
    return USAGE_ERROR;
  }
  if (parsed.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const stopRequest = onStopRequest();
  const steps = STEPS.filter((step) => parsed.names.length === 0 || parsed.names.includes(step.name));
  const say = (line: string) => void (parsed.json ? process.stderr : process.stdout).write(`${line}\n`);
  const results = await runSteps({
    steps,
    say,
    clock: () => performance.now(),
    stopWanted: () => stopRequest.wanted,
  });
  say(summary(results, steps.length));
  const ok = results.length === steps.length && results.every((result) => result.ok);
  if (parsed.json) {
    const ms = results.reduce((sum, result) => sum + result.ms, 0);
    process.stdout.write(`${JSON.stringify({ ok, ms, steps: results }, null, 2)}\n`);
  }
  if (stopRequest.wanted) return 130;
  return ok ? 0 : 1;
}

interface Command {
  readonly help: boolean;
  readonly json: boolean;
  readonly names: readonly string[];
}

/** @returns the command, or a sentence on what is wrong with it. */
function parseCommand(argv: readonly string[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h', default: false }, json: { type: 'boolean', default: false } },
    });
    const unknown = positionals.filter((name) => !STEPS.some((step) => step.name === name));
    if (unknown.length > 0) return `There is no step called ${unknown.join(', ')}.`;
    return { help: values.help, json: values.json, names: positionals };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function migrationFindings(): Promise<string[]> {
  const config = loadTestConfig();
  const guard = startGuard();
  try {
    const context = {
      dataDir: openDataDir(config.HOLDFAST_DATA_DIR),
      variables: config,
      user: unprivilegedUser(),
      log: (line: string) => void process.stderr.write(`${line}\n`),
    };
    return await withScratchPostgres(context, guard, checkMigrations);
  } finally {
    guard.close();
  }
}

function toOutcome(findings: readonly string[]): { ok: boolean; report: string } {
  return { ok: findings.length === 0, report: findings.join('\n') };
}
