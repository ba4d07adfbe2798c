import { readdirSync, readFileSync } from 'node:fs';

/**
 * Pids of processes that carry this variable with this value in their environment. The value is unique to one run, which proves
 * that the process was started by it, whatever became of its parents. Without /proc nothing is found.
 */
export function processesWithVariable(name: string, value: string, proc = '/proc'): number[] {
  const needle = `${name}=${value}`;
  let entries: string[];
  try {
    entries = readdirSync(proc);
  } catch {
    return [];
  }
  return entries
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(proc, pid).includes(needle));
}

/** Kills what `processesWithVariable` finds; gives their pids. */
export function killProcessesWithVariable(name: string, value: string): number[] {
  const pids = processesWithVariable(name, value);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return pids;
}

function environmentOf(proc: string, pid: number): string[] {
  try {
    return readFileSync(`${proc}/${pid}/environ`, 'utf8').split('\0');
  } catch {
    // Ended meanwhile, or somebody else's.
    return [];
  }
}
