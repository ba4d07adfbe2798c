import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  identify,
  isSameProcess,
  isStackRunning,
  readState,
  statusJson,
  writeState,
  type StackState,
} from './stack-state.ts';

const state = (changes: Partial<StackState> = {}): StackState => ({
  launcher: identify(process.pid),
  stackId: 'test',
  startedAt: '2027-01-04T10:00:00.000Z',
  isUp: true,
  ports: {},
  children: {},
  processes: {
    gateway: { url: 'http://127.0.0.1:8080', pid: 11 },
    postgres: { url: 'postgres://db', pid: null },
    redis: null,
  },
  ...changes,
});

describe('status --json', () => {
  test('names every process of the contract, in its order', () => {
    expect(Object.keys(statusJson(state()))).toEqual([
      ...['gateway', 'booking', 'payment', 'notification', 'provider', 'mail', 'postgres', 'nats', 'redis'],
    ]);
  });

  test('gives url and pid, and null for what the stack runs without', () => {
    expect(statusJson(state())).toMatchObject({ gateway: { url: 'http://127.0.0.1:8080', pid: 11 }, redis: null });
  });
});

describe('a stack', () => {
  test('runs while exactly its launcher runs', () => {
    expect(isStackRunning(state())).toBe(true);
    expect(isStackRunning(undefined)).toBe(false);
  });

  test('does not run when its launcher’s pid is used by another process', () => {
    const launcher = { ...identify(process.pid), startTime: '1' };
    expect(isStackRunning(state({ launcher }))).toBe(false);
    expect(isSameProcess(launcher)).toBe(false);
  });

  test('is read back as it was written', () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-state-'));
    try {
      expect(readState(dir)).toBeUndefined();
      writeState(dir, state());
      expect(readState(dir)).toEqual(state());
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
