import { join } from 'node:path';
import { ROOT } from '../data-dir.ts';
import { runCommand } from '../run-command.ts';
import type { Step } from './run-steps.ts';

const MODULES = join(ROOT, 'node_modules');
/** A tool that hangs must not hold up a run for ever; each takes a few seconds. */
const TIMEOUT_MS = 180_000;

/** The steps that are a tool of its own with a configuration file in the root. */
export const TOOL_STEPS: readonly Step[] = [
  tool('types', 'types of every file (tsc)', 'typescript/bin/tsc', [
    '--noEmit',
    '--pretty',
    'false',
    '-p',
    'tsconfig.json',
  ]),
  tool('lint', 'typed lint (oxlint)', 'oxlint/bin/oxlint', ['--deny-warnings', '--format=unix']),
  tool('format', 'formatting (prettier)', 'prettier/bin/prettier.cjs', ['--check', '--log-level=warn', '.']),
  tool('arrows', 'import arrows (dependency-cruiser)', 'dependency-cruiser/bin/dependency-cruiser.mjs', [
    ...['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long'],
    ...['services', 'packages', 'infra', 'tests', 'bench'],
  ]),
];

function tool(name: string, title: string, script: string, args: readonly string[]): Step {
  return {
    name,
    title,
    async run() {
      // Through this process's own Node: what a script's first line finds on PATH may be too old.
      const result = await runCommand(process.execPath, [join(MODULES, script), ...args], {
        cwd: ROOT,
        // The reports are read in logs as often as at a terminal.
        env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
        timeoutMs: TIMEOUT_MS,
      });
      if (result.code === 0) return { ok: true, report: '' };
      return { ok: false, report: result.output || `${script} ended with exit code ${result.code}` };
    },
  };
}
