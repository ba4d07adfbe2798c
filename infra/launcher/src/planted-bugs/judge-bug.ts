import type { TestCounts } from '../test-counts.ts';

/** What one run of the named test came to. */
export interface TestRun {
  /** Null when there is no line of counts: the run itself failed. */
  readonly counts: TestCounts | null;
  /** Whether a test file could not be run at all. */
  readonly brokenFile: boolean;
}

/**
 * `caught`: the test passes without the bug and fails with it. `missed`: it passes with it. `broken`: nothing is proved, because the
 * test fails without the bug too, was not found, or could not be run.
 */
export type Verdict = 'caught' | 'missed' | 'broken';

/** Judges a bug by its test's run on the clean tree and on the tree with the bug. */
export function judgeBug(clean: TestRun, planted: TestRun): { readonly verdict: Verdict; readonly reason: string } {
  const broken = (reason: string) => ({ verdict: 'broken' as const, reason });
  if (clean.counts === null) return broken('the run without the bug gave no result');
  if (clean.counts.failed > 0) return broken('the test fails without the bug too');
  if (clean.counts.passed === 0) return broken('no test has this title');
  if (planted.counts === null) return broken('the run with the bug gave no result');
  // A bug that keeps the file from loading would be seen by any test, so it says nothing about this one.
  if (planted.brokenFile) return broken('the test file cannot be run with the bug');
  if (planted.counts.failed > 0) return { verdict: 'caught', reason: `${planted.counts.failed} failed` };
  if (planted.counts.passed === 0) return broken('no test ran with the bug');
  return { verdict: 'missed', reason: 'the test passes with the bug' };
}

/** Reads what `npm test` printed. */
export function readTestRun(output: string): TestRun {
  const line = [...output.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  return {
    counts: line ? { passed: Number(line[1]), failed: Number(line[2]), skipped: Number(line[3]) } : null,
    brokenFile: /^\s*● Test suite failed to run$/m.test(output),
  };
}
