import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTestConfig } from './config.ts';
import { openDataDir, ROOT } from './data-dir.ts';
import { patchOf, readBugs, type PlantedBug } from './planted-bugs/bug-list.ts';
import { openBugTree, type BugTree } from './planted-bugs/bug-tree.ts';
import { judgeBug, readTestRun, type TestRun, type Verdict } from './planted-bugs/judge-bug.ts';
import { openProgress } from './progress.ts';
import { onStopRequest } from './stop-request.ts';

const USAGE_ERROR = 64;
const LAST_LINES = 40;

const config = loadTestConfig();
const stopRequest = onStopRequest();

interface Outcome {
  readonly name: string;
  readonly breaks: string;
  readonly test: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly ms: number;
}

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const bugs = readBugs(ROOT);
  const command = parseCommand(argv, bugs);
  if (typeof command === 'string') {
    process.stderr.write(`${command}\nnpm run planted-bugs -- --help explains.\n`);
    return USAGE_ERROR;
  }
  if (command.list) {
    for (const bug of bugs) process.stdout.write(`${bug.name}\n    ${bug.breaks}\n    ${bug.file}: ${bug.test}\n`);
    return 0;
  }
  const stream = command.json ? process.stderr : process.stdout;
  const progress = openProgress(config.HOLDFAST_STARTED_AT ?? Date.now(), (text) => stream.write(text));
  progress.step('copying the checkout');
  const tree = await openBugTree(ROOT, openDataDir(config.HOLDFAST_DATA_DIR));
  const outcomes: Outcome[] = [];
  try {
    for (const [index, bug] of command.bugs.entries()) {
      if (stopRequest.wanted) break;
      progress.step(`${index + 1} of ${command.bugs.length}: ${bug.name} (${bug.breaks})`);
      const outcome = await tryBug(tree, bug, (text) => stream.write(text));
      if (stopRequest.wanted) break;
      outcomes.push(outcome);
      progress.detail(`${outcome.verdict === 'caught' ? 'caught' : outcome.verdict.toUpperCase()}: ${outcome.reason}`);
    }
  } finally {
    tree.remove();
  }
  if (stopRequest.wanted) return 130;
  const ok = outcomes.every(({ verdict }) => verdict === 'caught');
  if (command.json) process.stdout.write(`${JSON.stringify({ ok, bugs: outcomes }, null, 2)}\n`);
  const count = (verdict: Verdict) => outcomes.filter((outcome) => outcome.verdict === verdict).length;
  stream.write(`${count('caught')} caught, ${count('missed')} missed, ${count('broken')} broken\n`);
  return ok ? 0 : 1;
}

/** Runs the bug's test without it and with it. A run that proves nothing is shown. */
async function tryBug(tree: BugTree, bug: PlantedBug, show: (text: string) => void): Promise<Outcome> {
  const startedAt = performance.now();
  const clean = await runTest(tree, bug);
  // A test that says nothing on the clean tree says nothing about the bug either.
  const proves = clean.run.counts?.failed === 0 && clean.run.counts.passed > 0;
  const planted = proves && !stopRequest.wanted ? await runWithBug(tree, bug) : clean;
  const judged = judgeBug(clean.run, planted.run);
  if (judged.verdict === 'broken') show(lastLines(planted.output));
  const { name, breaks, file, test } = bug;
  return { name, breaks, test: `${file}: ${test}`, ...judged, ms: Math.round(performance.now() - startedAt) };
}

/** A patch that does not fit is a run without a result. */
async function runWithBug(tree: BugTree, bug: PlantedBug): Promise<ShownRun> {
  const patch = patchOf(ROOT, bug);
  try {
    await tree.apply(patch);
  } catch (error) {
    return { run: { counts: null, brokenFile: false }, output: error instanceof Error ? error.message : String(error) };
  }
  const planted = await runTest(tree, bug);
  await tree.takeBack(patch);
  return planted;
}

interface ShownRun {
  readonly run: TestRun;
  readonly output: string;
}

function runTest(tree: BugTree, bug: PlantedBug): Promise<ShownRun> {
  const args = [join(tree.dir, 'infra/launcher/src/test.ts'), bug.file, '-t', escapeRegExp(bug.test)];
  return new Promise((resolve, reject) => {
    let output = '';
    // The channel tells the child when this process is gone; it stops its servers then.
    const child = spawn(process.execPath, args, {
      cwd: tree.dir,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, HOLDFAST_DATA_DIR: '', HOLDFAST_STARTED_AT: '', NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout!.on('data', collect);
    child.stderr!.on('data', collect);
    stopRequest.whenWanted(() => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('close', () => resolve({ run: readTestRun(output), output }));
  });
}

interface Command {
  readonly list: boolean;
  readonly json: boolean;
  readonly bugs: readonly PlantedBug[];
}

/** @returns the command, or a sentence on what is wrong with it. */
function parseCommand(argv: readonly string[], bugs: readonly PlantedBug[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, list: { type: 'boolean', default: false } },
    });
    const unknown = positionals.filter((name) => !bugs.some((bug) => bug.name === name));
    if (unknown.length > 0) return `There is no planted bug called ${unknown.join(', ')}; --list names them.`;
    const chosen = bugs.filter((bug) => positionals.length === 0 || positionals.includes(bug.name));
    return { list: values.list, json: values.json, bugs: chosen };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function lastLines(text: string): string {
  return `${text.trimEnd().split('\n').slice(-LAST_LINES).join('\n')}\n`;
}
