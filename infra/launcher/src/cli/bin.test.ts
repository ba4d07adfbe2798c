import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from '../data-dir.ts';

const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: { holdfast: string } };

const COMMANDS = [
  ...['explain', 'attention', 'status', 'integrity', 'payments', 'outbox', 'audit', 'dead-letters', 'sagas', 'trigger'],
  ...['listen', 'admin', 'doctor', 'database', 'backup', 'drill', 'restore'],
];

test.each(COMMANDS)('%s --help says what it does, with an example', (command) => {
  const help = execFileSync(process.execPath, [join(ROOT, bin.holdfast), command, '--help'], { encoding: 'utf8' });
  expect(help).toMatch(new RegExp(`^ {2}${command} .*\\w`));
  expect(help).toContain('  --json ');
  expect(help).toMatch(new RegExp(`Examples:\\n {2}npm run -s holdfast -- ${command}`));
  const others = COMMANDS.filter((other) => other !== command);
  expect(others.filter((other) => new RegExp(`^ {2}${other} `, 'm').test(help))).toEqual([]);
});

test('the help names every command that there is', () => {
  const wrong = spawnSync(join(ROOT, bin.holdfast), ['divine'], { encoding: 'utf8' });
  const named = /there are (.*), and --help/.exec(wrong.stderr)![1]!.split(', ');
  expect(named.toSorted()).toEqual(COMMANDS.toSorted());
});

test('the program of package.json is the verb, from any folder', () => {
  const help = execFileSync(process.execPath, [join(ROOT, bin.holdfast), '--help'], { cwd: '/', encoding: 'utf8' });
  expect(help).toContain('npm run -s holdfast -- <command>');
  const wrong = spawnSync(join(ROOT, bin.holdfast), ['divine'], { cwd: '/', encoding: 'utf8' });
  expect([wrong.status, wrong.stderr]).toEqual([64, expect.stringContaining('no command is called divine')]);
});
