import type { DoneFault } from './inject-fault.ts';

/** Process, fault and phase with how often each was done, as lines. */
export function coverageTable(faults: readonly DoneFault[]): string[] {
  const counts = new Map<string, number>();
  for (const { target, fault, phase, missed } of faults) {
    if (missed !== null) continue;
    const cell = [target.padEnd(13), fault.padEnd(15), phase].join('');
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const width = Math.max(0, ...[...counts.keys()].map((cell) => cell.length));
  return [
    `${'process'.padEnd(13)}${'fault'.padEnd(15)}${'phase'.padEnd(Math.max(5, width - 28))}  times`,
    ...[...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([cell, count]) => `${cell.padEnd(width)}  ${count}`),
  ];
}
