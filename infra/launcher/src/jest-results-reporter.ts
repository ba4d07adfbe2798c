import { writeFileSync } from 'node:fs';
import { countResults, type JestResults } from './test-counts.ts';

/** Jest reporter that leaves the counts where the test runner reads them: jest's own summary is text for people. */
export default class ResultsReporter {
  onRunComplete(_contexts: unknown, results: JestResults): void {
    const file = process.env['HOLDFAST_TEST_RESULTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(countResults(results)));
  }
}
