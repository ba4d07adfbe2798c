import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms on every platform that we know. */
const TICK_US = 10_000;

/**
 * CPU time used so far by processes with their children, in microseconds by name. PostgreSQL's work is done by children of its
 * first process. Empty where there is no /proc.
 */
export function cpuTimes(pids: Readonly<Record<string, number>>): Record<string, number> {
  const own = new Map<number, { parent: number; us: number }>();
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const usage = readUsage(Number(entry));
      if (usage !== undefined) own.set(Number(entry), usage);
    }
  } catch {
    return {};
  }
  const times: Record<string, number> = {};
  for (const [name, pid] of Object.entries(pids)) {
    times[name] = 0;
    for (const [candidate, { parent, us }] of own) {
      // This process's parent has the whole stack for children; of the others each child works for its parent.
      if (candidate === pid || (parent === pid && pid !== process.ppid)) times[name] += us;
    }
  }
  return times;
}

/** Busy and total CPU time of the whole machine so far, in microseconds; null where there is no /proc. */
export function machineTime(): { readonly busy: number; readonly total: number } | null {
  try {
    // user, nice, system, idle, iowait, irq, softirq, steal of proc(5).
    const fields = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.trim().split(/\s+/).slice(1, 9).map(Number);
    const total = fields.reduce((sum, ticks) => sum + ticks, 0);
    return { busy: (total - fields[3]! - fields[4]!) * TICK_US, total: total * TICK_US };
  } catch {
    return null;
  }
}

function readUsage(pid: number): { parent: number; us: number } | undefined {
  try {
    // The name in parentheses may hold spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // utime, stime and those of children that have ended: fields 14 to 17 of proc(5).
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), us: ticks * TICK_US };
  } catch {
    return undefined;
  }
}

/** CPU time per success of a window, in whole microseconds. */
export function perOperation(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  count: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, us]) => [name, Math.round((us - (before[name] ?? 0)) / Math.max(1, count))]),
  );
}
