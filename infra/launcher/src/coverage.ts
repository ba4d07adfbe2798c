import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from './data-dir.ts';

/** Percentages that may not be fallen below. */
const LEAST = { lines: 80, branches: 75 } as const;

/**
 * The tests that stand beside the code. Those of tests/ drive processes of their own, whose coverage would cost more time than the
 * tests themselves; what only they reach counts as not covered.
 */
const FOLDERS = ['services', 'packages', 'infra'];
const MEASURED = ['services/*/src/**/*.ts', 'packages/shared/src/**/*.ts', 'infra/*/src/**/*.ts'];
const NOT_MEASURED = ['!**/*.test.ts', '!**/testing/**'];

const folder = join(ROOT, '.holdfast', 'coverage');
const summaryFile = join(folder, 'coverage-summary.json');

const percentage = z.object({ pct: z.number() });
const summary = z.object({ total: z.object({ lines: percentage, branches: percentage }) });

// What an earlier run left must not be taken for the result of this one.
rmSync(folder, { recursive: true, force: true });
const testsExitCode = await runTests();
const findings = existsSync(summaryFile) ? shortcomings(readFileSync(summaryFile, 'utf8')) : ['nothing was measured'];
for (const finding of findings) process.stderr.write(`${finding}\n`);
process.exitCode = testsExitCode !== 0 ? testsExitCode : findings.length > 0 ? 1 : 0;

function shortcomings(text: string): string[] {
  const { total } = summary.parse(JSON.parse(text));
  return (['lines', 'branches'] as const).flatMap((kind) => {
    const { pct } = total[kind];
    process.stdout.write(`${kind}: ${pct} % covered, at least ${LEAST[kind]} %\n`);
    // What is not a number passes no comparison.
    return pct >= LEAST[kind] ? [] : [`too few ${kind} are covered; ${folder}/lcov.info says which are not`];
  });
}

function runTests(): Promise<number> {
  const args = [
    ...process.argv.slice(2),
    ...(process.argv.length > 2 ? [] : FOLDERS),
    ...['--coverage', '--coverageProvider=v8', `--coverageDirectory=${folder}`],
    ...['text-summary', 'json-summary', 'lcovonly'].map((name) => `--coverageReporters=${name}`),
    ...[...MEASURED, ...NOT_MEASURED].map((pattern) => `--collectCoverageFrom=${pattern}`),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'infra/launcher/src/test.ts'), ...args], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
