import { MATRIX, type Cell } from './matrix.ts';
import { randomOf, type Random } from './random.ts';

/** One fault of a run. */
export interface PlannedFault {
  readonly target: Cell['target'];
  readonly fault: Cell['fault'];
  readonly phase: string;
  /** For a cut point: the how-manieth passing of it ends the process. */
  readonly nth: number;
  readonly holdMs: number;
  /** For `one_way`: which bytes are swallowed. */
  readonly direction: 'to_server' | 'to_client';
}

/** Faults that are done at the same time, and the rest before them. */
export interface Step {
  readonly restMs: number;
  readonly faults: readonly PlannedFault[];
}

export interface Plan {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  readonly steps: readonly Step[];
}

export const LEAST_SECONDS = 20;
export const LEAST_FAULTS = 2;
/** What waiting for its phase and starting a process again take beside a fault itself, as the plan reckons it. */
const OVERHEAD_MS = 3_000;

/**
 * What a seed does: a function of its arguments alone. The first fault is the seed's own cell of the matrix, so that as many seeds as
 * there are cells try every one of them; the others are chosen by chance. Every third step or so does two at once.
 */
export function planOf(seed: number, options: { seconds: number; ownServers: boolean }): Plan {
  const seconds = Math.max(LEAST_SECONDS, options.seconds);
  const random = randomOf(seed);
  const cells = MATRIX.filter((cell) => options.ownServers || !cell.needsOwnServers);
  const steps: Step[] = [];
  let planned_ms = 0;
  let faults = 0;
  while (faults < LEAST_FAULTS || planned_ms < seconds * 1000 - 5_000) {
    const first = faultOf(faults === 0 ? cells[seed % cells.length]! : random.pick(cells), random);
    const others = cells.filter((cell) => cell.target !== first.target);
    const step = {
      restMs: random.between(500, 2_000),
      faults: random.chance(0.3) ? [first, faultOf(random.pick(others), random)] : [first],
    };
    steps.push(step);
    faults += step.faults.length;
    planned_ms += step.restMs + OVERHEAD_MS + Math.max(...step.faults.map(({ holdMs }) => holdMs));
  }
  return { seed, seconds, clients: random.between(6, 10), steps };
}

function faultOf(cell: Cell, random: Random): PlannedFault {
  const [least, most] = cell.holdMs;
  return {
    target: cell.target,
    fault: cell.fault,
    phase: cell.phase,
    // A refresh is rare, and so is the end of a hold; everything else is passed often.
    nth: /refresh|expire/.test(cell.phase) ? 1 : random.between(1, 3),
    holdMs: random.between(least, most),
    direction: random.pick(['to_server', 'to_client']),
  };
}
