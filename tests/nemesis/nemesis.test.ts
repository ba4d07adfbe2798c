import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { coverageTable } from './coverage-table.ts';
import type { DoneFault } from './inject-fault.ts';
import { LEAST_SECONDS, planOf } from './plan.ts';
import { runSeed } from './run-seed.ts';

/**
 * Two seeds of `npm run test:nemesis` with every test run: crashes of payment at cut points, a broker without room and one that has
 * half of its store back, a Redis that is killed. Other test files work on the same cores at the same time, so how fast the answers
 * come is not what is looked at here: `npm run test:nemesis` does that on a machine of its own.
 */
const SEEDS = [11, 13];
const ANSWER_MS = 15_000;

describe('while processes die, hang and are cut off, every promise is kept', () => {
  let dir: string;
  const faults: DoneFault[] = [];
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'holdfast-nemesis-'));
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
    process.stderr.write(`${coverageTable(faults).join('\n')}\n`);
  });

  test.each(SEEDS)(
    'seed %i',
    async (seed) => {
      const told: string[] = [];
      const report = await runSeed(planOf(seed, { seconds: LEAST_SECONDS, ownServers: false }), {
        ...{ dir, answerMs: ANSWER_MS },
        onProgress: (line) => told.push(line),
      });
      faults.push(...report.faults);
      // With what was done before it, since the history file goes with the test.
      if (!report.ok) throw new Error(`${report.broken.join('\n')}\n\n${told.join('\n')}`);
      expect(report.faults.length).toBeGreaterThanOrEqual(2);
    },
    300_000,
  );
});
