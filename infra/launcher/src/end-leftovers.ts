import { killProcessesWithVariable } from './leftover-processes.ts';
import { isSameProcess, type ProcessIdentity, type StackState } from './stack-state.ts';

const PATIENCE_MS = 12_000;
const SERVERS = ['postgres', 'nats', 'redis'];

/**
 * Ends what a stack whose launcher is gone left running, and nothing else: a process counts when its pid still has the start time
 * that was written down, or when it carries that stack's id in its environment. Its guard is usually faster; this waits for it.
 */
export async function endLeftovers(state: StackState, log: (line: string) => void): Promise<void> {
  const all = Object.entries(state.children).filter(([, child]) => isSameProcess(child));
  if (all.length > 0) log(`ending ${all.length} process(es) that an interrupted start left running`);
  const isServer = (name: string) => SERVERS.includes(name);
  await end(all.filter(([name]) => !isServer(name)).map(([, child]) => child));
  await end(all.filter(([name]) => isServer(name)).map(([, child]) => child));
  killProcessesWithVariable('HOLDFAST_STACK_ID', state.stackId);
}

async function end(children: readonly ProcessIdentity[]): Promise<void> {
  const left = () => children.filter(isSameProcess);
  for (const child of left()) trySignal(child.pid, 'SIGINT');
  const deadline = Date.now() + PATIENCE_MS;
  while (left().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const child of left()) trySignal(child.pid, 'SIGKILL');
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
