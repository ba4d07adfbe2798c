import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../data-dir.ts';

const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: { holdfast: string } };

test('the program of package.json is the verb, from any folder', () => {
  const help = execFileSync(process.execPath, [join(ROOT, bin.holdfast), '--help'], { cwd: '/', encoding: 'utf8' });
  expect(help).toContain('npm run -s holdfast -- <command>');
  const wrong = spawnSync(join(ROOT, bin.holdfast), ['divine'], { cwd: '/', encoding: 'utf8' });
  expect([wrong.status, wrong.stderr]).toEqual([64, expect.stringContaining('no command is called divine')]);
});
