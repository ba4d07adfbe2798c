import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { readPage, ROOT } from '../docs/pages.ts';

const settings = (page: string): string[] =>
  readPage(page)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

test('the two NATS configurations differ in what the older server does not know alone', () => {
  const newer = settings('infra/nats/nats.conf').filter((line) => line !== 'sync_interval: always');
  expect(settings('infra/nats/nats.conf')).toContain('sync_interval: always');
  expect(newer).toEqual(settings('infra/nats/nats-2.9.conf'));
});

test('the server of these tests accepts the configuration that is for the oldest one', () => {
  const { command, args, env } = testEnvironment().HOLDFAST_TEST_NATS_SERVER;
  // On containers the program is a wrapper that starts a server and has no check of its own.
  if (args.length > 0) return;
  const checked = spawnSync(command, ['-t', '-c', join(ROOT, 'infra/nats/nats-2.9.conf')], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect([checked.status, `${checked.stdout}${checked.stderr}`]).toEqual([0, expect.stringContaining('valid')]);
});
