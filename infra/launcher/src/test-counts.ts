/** The parts of jest's aggregated result that count. */
export interface JestResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Test files that could not run at all: a wrong import, a failing top-level await. */
  readonly numRuntimeErrorTestSuites: number;
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file that did not run counts as one failure: its tests are unknown and must not vanish from the total. */
export function countResults(results: JestResults): TestCounts {
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}

/** The last line of `npm test`, read by programs. */
export function countsLine(counts: TestCounts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/** 0 only when jest was content, nothing failed and at least one test passed. */
export function exitCodeOf(counts: TestCounts, jestExitCode: number | null): number {
  if (counts.failed > 0 || counts.passed === 0) return 1;
  return jestExitCode ?? 1;
}
