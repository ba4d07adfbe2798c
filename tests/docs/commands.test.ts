import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COMMAND_RUNS, runOf } from './command-runs.ts';
import { commandsIn, shownCommands } from './page-commands.ts';
import { readPage, ROOT } from './pages.ts';

test('a block shows its commands, and neither output nor another language', () => {
  const text = [
    ...[
      '```sh',
      '# a remark',
      'A=1',
      'curl -s x \\',
      "  -d '# no remark'",
      '```',
      '```',
      'npm test   # all',
      ' 12 ms  client',
    ],
    ...[
      'npm start      the system',
      '```',
      '```sql',
      'select 1;',
      '```',
      '1. so',
      '   ```',
      '   .ci/run',
      '   ```',
      '',
    ],
  ].join('\n');
  expect(commandsIn(text)).toEqual(['A=1', "curl -s x -d '# no remark'", 'npm test', 'npm start', '.ci/run']);
});

test('every command that a page shows is run by a test or a script, or it says why not', () => {
  const shown = shownCommands();
  expect(shown.length).toBeGreaterThan(50);
  expect(shown.filter(({ page, command }) => runOf(page, command) === undefined)).toEqual([]);
});

test('no entry is left of a command that no page shows', () => {
  const used = new Set(shownCommands().map(({ page, command }) => runOf(page, command)));
  expect(COMMAND_RUNS.filter((run) => !used.has(run))).toEqual([]);
});

describe.each(COMMAND_RUNS.filter((run) => 'by' in run))('$begins of $page', ({ by, names }) => {
  test('is run where the table says', () => {
    expect(existsSync(join(ROOT, by))).toBe(true);
    expect(readPage(by)).toContain(names);
  });
});
