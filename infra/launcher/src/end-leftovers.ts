import { killProcessesWithVariable } from './leftover-processes.ts';
import { isSameProcess, type StackState } from './stack-state.ts';

const PATIENCE_MS = 12_000;

/**
 * Ends what a stack whose launcher is gone left running, and nothing else: a process counts when its pid still has the start time
 * that was written down, or when it carries that stack's id in its environment. Its guard is usually faster; this waits for it.
 */
export async function endLeftovers(state: StackState, log: (line: string) => void): Promise<void> {
  const left = () => Object.values(state.children).filter(isSameProcess);
  if (left().length > 0) {
    log(`ending ${left().length} process(es) that an interrupted start left running`);
    for (const child of left()) trySignal(child.pid, 'SIGINT');
    const deadline = Date.now() + PATIENCE_MS;
    while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    for (const child of left()) trySignal(child.pid, 'SIGKILL');
  }
  killProcessesWithVariable('HOLDFAST_STACK_ID', state.stackId);
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
