import { describe, expect, test } from '@jest/globals';
import { countResults, countsLine, exitCodeOf } from './test-counts.ts';

const results = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

describe('the last line of npm test', () => {
  test('has the form that programs read', () => {
    expect(countsLine({ passed: 12, failed: 1, skipped: 2 })).toBe('12 passed, 1 failed, 2 skipped');
  });

  test('counts todo tests as skipped', () => {
    expect(countResults({ ...results, numPendingTests: 2, numTodoTests: 3 })).toEqual({
      passed: 5,
      failed: 0,
      skipped: 5,
    });
  });

  test('counts a file that could not run as a failure', () => {
    expect(countResults({ ...results, numFailedTests: 1, numRuntimeErrorTestSuites: 2 }).failed).toBe(3);
  });
});

describe('the exit code of npm test', () => {
  test('is 0 when tests ran and none failed', () => {
    expect(exitCodeOf({ passed: 5, failed: 0, skipped: 1 }, 0)).toBe(0);
  });

  test.each([
    ['a test failed', { passed: 5, failed: 1, skipped: 0 }, 0],
    ['no test ran', { passed: 0, failed: 0, skipped: 0 }, 0],
    ['all tests were skipped', { passed: 0, failed: 0, skipped: 4 }, 0],
    ['jest ended badly', { passed: 5, failed: 0, skipped: 0 }, 1],
    ['jest was killed', { passed: 5, failed: 0, skipped: 0 }, null],
  ])('is not 0 when %s', (_case, counts, jest) => {
    expect(exitCodeOf(counts, jest)).not.toBe(0);
  });
});
