import { readFileSync } from 'node:fs';

/** Whether a process with this pid exists (a zombie, ended but not yet reaped, does not count). */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return processState(pid)?.state !== 'Z';
}

/** When a process started, in clock ticks since boot: with the pid it names one process for ever, as pids are used again. */
export function processStartTime(pid: number): string | undefined {
  return processState(pid)?.startTime;
}

function processState(pid: number): { state: string; startTime: string } | undefined {
  try {
    // The command's name is in parentheses and may hold spaces; fields are counted after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
