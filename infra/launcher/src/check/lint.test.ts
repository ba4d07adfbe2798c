import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../data-dir.ts';
import { runCommand } from '../run-command.ts';

/** Lints these files as if they were the workspace. @returns `path: rule` for each finding, sorted. */
async function lint(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'tsconfig.base.json'])
    cpSync(join(ROOT, name), join(folder, name));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), source);
  }
  const result = await runCommand(process.execPath, [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format=unix'], {
    cwd: folder,
  });
  rmSync(folder, { recursive: true });
  return result.output
    .split('\n')
    .map((line) => /^(.+?):\d+:\d+: .*\((?<rule>[\w-]+)\)\]$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => `${match[1]}: ${match.groups?.['rule']}`)
    .toSorted();
}

const FILE = 'services/booking/src/bookings/place-booking.ts';

test('the lint finds what a compiler lets pass', async () => {
  const source = `
    async function save(): Promise<number> { return 1; }
    save();
    [1].forEach(async () => { await save(); });
    const parsed = JSON.parse('1'); export const first: number = parsed[0];
    export function name(state: 'held' | 'paid') { switch (state) { case 'held': return 1; } return 2; }
    console.log(process.env['PORT']);
    throw 'text';
  `;
  expect(await lint({ [FILE]: source })).toEqual(
    [
      ...[
        'no-floating-promises',
        'no-misused-promises',
        'no-unsafe-assignment',
        'no-unsafe-assignment',
        'no-unsafe-member-access',
      ],
      ...['switch-exhaustiveness-check', 'no-console', 'no-process-env', 'only-throw-error'],
    ]
      .map((rule) => `${FILE}: ${rule}`)
      .toSorted(),
  );
});

test('the environment is read in config.ts only, tests do not sleep and none is left out', async () => {
  const testFile = 'services/booking/src/bookings/place-booking.test.ts';
  const found = await lint({
    'services/booking/src/config.ts': "export const port = process.env['PORT'];",
    [testFile]: `
      import { describe, expect, test } from '@jest/globals';
      import { setTimeout as sleep } from 'node:timers/promises';
      test('sleeps', async () => { await sleep(1); await new Promise((done) => setTimeout(done, 1)); expect(1).toBe(1); });
      test.skip('later', () => { expect(1).toBe(1); });
      describe.only('alone', () => { test('b', () => { expect(1).toBe(1); }); });
    `,
  });
  expect(found).toEqual(
    ['no-restricted-imports', 'no-restricted-globals', 'no-disabled-tests', 'no-focused-tests']
      .map((rule) => `${testFile}: ${rule}`)
      .toSorted(),
  );
});
