import { machineTime } from './cpu-time.ts';

/** Below this share of the machine other work is small enough not to matter. */
const QUIET = 0.15;
const LOOK_MS = 1_000;

/**
 * Waits until nothing else uses the machine, for at most `patienceSeconds`. The stack is idle meanwhile, so all that is busy is
 * somebody else's. @returns whether it became quiet.
 */
export async function untilQuiet(patienceSeconds: number): Promise<boolean> {
  const deadline = Date.now() + patienceSeconds * 1000;
  for (;;) {
    const before = machineTime();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const after = machineTime();
    if (before === null || after === null) return true;
    if ((after.busy - before.busy) / Math.max(1, after.total - before.total) < QUIET) return true;
    if (Date.now() > deadline) return false;
  }
}
