import { expect, test } from '@jest/globals';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, writeState, type StackState } from '../stack-state.ts';
import { showStatus } from './status.ts';

const state = (over: Partial<StackState> = {}): StackState => ({
  ...{ launcher: identify(process.pid), stackId: 'x', startedAt: 'then', isUp: true, ports: {}, children: {} },
  processes: { postgres: { url: 'postgresql://admin:secret@127.0.0.1:5432/x', pid: 7 }, redis: null },
  ...over,
});
const folder = () => mkdtempSync(join(tmpdir(), 'holdfast-status-'));

test('the table shows no password, the JSON has it', () => {
  const dataDir = folder();
  writeState(dataDir, state());
  const { json, lines } = showStatus(dataDir, []);
  expect(lines.join('\n')).toContain('postgresql://admin:***@127.0.0.1:5432/x');
  expect(lines.join('\n')).not.toContain('secret');
  expect(json).toMatchObject({ postgres: { url: expect.stringContaining('secret'), pid: 7 }, redis: null });
});

test('nothing that runs, and a stack that is still starting, are refused', () => {
  expect(() => showStatus(folder(), [])).toThrow('Nothing runs');
  const dataDir = folder();
  writeState(dataDir, state({ isUp: false }));
  expect(() => showStatus(dataDir, [])).toThrow('still starting');
});
