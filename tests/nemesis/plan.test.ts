import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MATRIX } from './matrix.ts';
import { LEAST_FAULTS, planOf } from './plan.ts';

const options = fc.record({ seconds: fc.integer({ min: 20, max: 120 }), ownServers: fc.boolean() });
const faultsOf = (seed: number, given: { seconds: number; ownServers: boolean }) =>
  planOf(seed, given).steps.flatMap(({ faults }) => faults);

describe('the plan of a seed', () => {
  test('is the same each time', () => {
    fc.assert(
      fc.property(fc.nat(), options, (seed, given) => {
        expect(planOf(seed, given)).toEqual(planOf(seed, given));
      }),
    );
  });

  test('has at least two faults, lasts at least twenty seconds, and never does two things to one process at once', () => {
    fc.assert(
      fc.property(fc.nat(), options, (seed, given) => {
        const plan = planOf(seed, given);
        expect(plan.seconds).toBeGreaterThanOrEqual(20);
        expect(faultsOf(seed, given).length).toBeGreaterThanOrEqual(LEAST_FAULTS);
        for (const { faults } of plan.steps)
          expect(new Set(faults.map(({ target }) => target)).size).toBe(faults.length);
      }),
    );
  });

  test('takes no server away that others use', () => {
    const shared = new Set(
      MATRIX.filter((cell) => cell.needsOwnServers).map(({ target, fault }) => `${target} ${fault}`),
    );
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const done = faultsOf(seed, { seconds: 60, ownServers: false }).map(
          ({ target, fault }) => `${target} ${fault}`,
        );
        expect(done.filter((each) => shared.has(each))).toEqual([]);
      }),
    );
  });
});

test('as many seeds in a row as there are cells try every cell', () => {
  const tried = new Set(
    MATRIX.map((_, seed) => {
      const { target, fault, phase } = faultsOf(seed, { seconds: 20, ownServers: true })[0]!;
      return `${target} ${fault} ${phase}`;
    }),
  );
  expect(tried).toEqual(new Set(MATRIX.map(({ target, fault, phase }) => `${target} ${fault} ${phase}`)));
});

test('two seeds are two plans', () => {
  const plans = Array.from({ length: 50 }, (_, seed) =>
    JSON.stringify(planOf(seed, { seconds: 30, ownServers: true }).steps),
  );
  expect(new Set(plans).size).toBe(50);
});
