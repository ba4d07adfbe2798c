import type { Entry } from './history.ts';
import type { DoneFault } from './inject-fault.ts';

/**
 * Calls whose answer took longer than `limitMs` (G10). What the gateway itself cannot answer while it is stopped is not counted, nor is
 * a call that a dead gateway broke off.
 */
export function slowAnswers(entries: readonly Entry[], faults: readonly DoneFault[], limitMs: number): string[] {
  const stopped = faults.filter(({ target }) => target === 'gateway');
  return entries.flatMap(({ call, kind, attempt, ms, at, status }) => {
    if (ms === undefined || ms <= limitMs) return [];
    if (stopped.some(({ from, to }) => from <= at && at - ms <= to)) return [];
    return [`call ${call} (${kind}, attempt ${attempt}) got ${status ?? 'no answer'} after ${ms} ms`];
  });
}
