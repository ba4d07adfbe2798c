import { describe, expect, test } from '@jest/globals';
import { runSteps, summary, type Step } from './run-steps.ts';

function setup(steps: readonly Step[], stopWanted = () => false) {
  const lines: string[] = [];
  let now = 0;
  const clock = () => (now += 250);
  return { lines, run: () => runSteps({ steps, say: (line) => lines.push(line), clock, stopWanted }) };
}

const passing: Step = { name: 'types', title: 'types', run: async () => ({ ok: true, report: '' }) };
const failing: Step = {
  name: 'lint',
  title: 'lint',
  run: async () => ({ ok: false, report: 'a.ts:1: wrong\nb.ts:2: wrong' }),
};
const throwing: Step = {
  name: 'arrows',
  title: 'arrows',
  run: () => Promise.reject(new Error('cannot start', { cause: new Error('no such file') })),
};

describe('running the steps', () => {
  test('goes on after a failed step and after one that throws, and tells the time of each', async () => {
    const { run, lines } = setup([failing, throwing, passing]);
    const results = await run();
    expect(results.map(({ name, ok, ms }) => [name, ok, ms])).toEqual([
      ['lint', false, 250],
      ['arrows', false, 250],
      ['types', true, 250],
    ]);
    expect(lines[0]).toMatch(/^FAILED +0\.3 s +lint/);
    expect(lines[1]).toBe('    a.ts:1: wrong\n    b.ts:2: wrong');
    expect(lines[3]).toBe('    cannot start\n    no such file');
    expect(lines[4]).toMatch(/^ok +0\.3 s +types/);
  });

  test('leaves the rest out once a stop is wanted', async () => {
    let asked = 0;
    const { run } = setup([passing, failing], () => asked++ > 0);
    const results = await run();
    expect(results.map((result) => result.name)).toEqual(['types']);
    expect(summary(results, 2)).toBe('check: stopped after 1 of 2 steps');
  });

  test('sums up by name', async () => {
    expect(summary(await setup([passing, failing, throwing]).run(), 3)).toBe(
      'check: 2 of 3 steps failed (lint, arrows) in 0.8 s',
    );
    expect(summary(await setup([passing]).run(), 1)).toBe('check: all 1 steps passed in 0.3 s');
  });
});
