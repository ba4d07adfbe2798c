import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { apiClient } from '@holdfast/launcher/src/first-bookings/api-client.ts';
import { ensureDemoCatalogue } from '@holdfast/launcher/src/first-bookings/demo-catalogue.ts';
import { identify, writeState } from '@holdfast/launcher/src/stack-state.ts';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { until } from '@holdfast/shared/testing/until';
import { shownCommands } from '../docs/page-commands.ts';
import { readPage, ROOT } from '../docs/pages.ts';
import { startStack, WHOLE_PATH, type Stack } from '../support/stack.ts';

const HOLDFAST = 'npm run -s holdfast -- ';
/** What the runbooks tell an operator to type of these two; the ids in it are made up. */
const RUNBOOK_COMMANDS = shownCommands()
  .filter(({ page, command }) => page.startsWith('docs/runbooks/') && command.startsWith(HOLDFAST))
  .map(({ command }) => command)
  .filter((command) => /^(audit|dead-letters)\b/.test(command.slice(HOLDFAST.length)));
/** The block under "Try it". */
const TRY_IT = /## Try it[^]*?```sh\n([^]*?)```/.exec(readPage('README.md'))![1]!;

let stack: Stack;
let dataDir: string;

beforeAll(async () => {
  stack = await startStack({ parts: WHOLE_PATH });
  // As if `npm start` had started it from here.
  dataDir = mkdtempSync(join(testEnvironment().HOLDFAST_TEST_DIR, 'shown-'));
  writeState(dataDir, {
    ...{ launcher: identify(process.pid), stackId: 'test', startedAt: '', isUp: true, ports: {}, children: {} },
    processes: { gateway: { url: stack.url('gateway'), pid: null } },
  });
}, 60_000);
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

function bash(script: string) {
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: process.env['HOME'] ?? dataDir,
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_ADMIN_EMAIL: stack.admin.email,
    HOLDFAST_ADMIN_PASSWORD: stack.admin.password,
  };
  return new Promise<{ code: number | null; out: string; errors: string }>((resolve) => {
    const child = spawn('bash', ['-c', script], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('close', (code) => resolve({ code, out, errors }));
  });
}

test('what the README says to try does what it says', async () => {
  const session = await apiClient(stack.url('gateway')).post<{ access_token: string }>('/v1/auth/login', stack.admin);
  const admin = apiClient(stack.url('gateway'), session.access_token);
  await ensureDemoCatalogue(admin, join(dataDir, 'demo.json'));
  await until('the catalogue to be found', async () => {
    const { data } = await admin.get<{ data: unknown[] }>('/v1/search?q=chamber');
    return data.length > 0;
  });
  const { code, out, errors } = await bash(TRY_IT);
  expect([code, errors]).toEqual([0, '']);
  const lines = out.split('\n');
  expect(lines).toContain('event An evening of chamber music, from 4500 EUR');
  const end = lines.indexOf('payment_declined');
  expect(lines[end - 1]!.trim()).toBe('idempotent-replayed: true');
  expect(lines[end + 1]).toBe('CONFIRMED');
  expect(lines.slice(end + 2).join('\n')).toMatch(/Z booking: HELD/);
}, 60_000);

test.each(RUNBOOK_COMMANDS)(
  '%s',
  async (command) => {
    const { code, out, errors } = await bash(command);
    // Nothing has a made-up id: that is refused, as an id and not as a wrong call.
    if (/(ven|dlq)_01k9z/.test(command) && !command.includes('-- audit')) {
      expect([code, errors]).toEqual([1, expect.stringContaining('404')]);
    } else expect([code, out.length > 0]).toEqual([0, true]);
  },
  30_000,
);
