import { expect, test } from '@jest/globals';
import { judgeBug, readTestRun, type TestRun } from './judge-bug.ts';

const passes = readTestRun('PASS a.test.ts\n1 passed, 0 failed, 12 skipped\n');
const fails = readTestRun('FAIL a.test.ts\n  ● a thing › happens\n0 passed, 1 failed, 12 skipped\n');
const cannotLoad = readTestRun('FAIL a.test.ts\n  ● Test suite failed to run\n0 passed, 1 failed, 0 skipped\n');
const finds = readTestRun('0 passed, 0 failed, 13 skipped\n');
const breaksOff = readTestRun('the servers did not start\n');

test.each<[string, TestRun, TestRun, string]>([
  ['passes without the bug and fails with it', passes, fails, 'caught'],
  ['passes with the bug', passes, passes, 'missed'],
  ['fails without the bug too', fails, fails, 'broken'],
  ['is not found', finds, fails, 'broken'],
  ['cannot be loaded with the bug', passes, cannotLoad, 'broken'],
  ['gives no result without the bug', breaksOff, fails, 'broken'],
  ['gives no result with it', passes, breaksOff, 'broken'],
  ['is not run with it', passes, finds, 'broken'],
])('a test that %s', (_, clean, planted, verdict) => {
  expect(judgeBug(clean, planted).verdict).toBe(verdict);
});
