import { until } from '@holdfast/shared/testing/until';
import { query } from '../support/query.ts';
import type { Part, Stack } from '../support/stack.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { pause } from './client.ts';
import type { CallKind, History } from './history.ts';
import type { Target } from './matrix.ts';
import type { PlannedFault } from './plan.ts';

/** What became of a planned fault. `missed` says what never came: the run proves nothing of it then. */
export interface DoneFault extends PlannedFault {
  readonly from: number;
  readonly to: number;
  readonly missed: string | null;
}

/** Longest wait for the call that must be under way, and for a process to come to its cut point. */
const PHASE_MS = 30_000;
const CUT_MS = 30_000;

/** Does one fault at its moment, keeps it for its time, and heals it. Never throws for a moment that does not come. */
export async function injectFault(stack: Stack, history: History, fault: PlannedFault): Promise<DoneFault> {
  if (fault.fault === 'crash_at') return crashAtCutPoint(stack, history, fault);
  const came = await history.nextCall(fault.phase as CallKind, PHASE_MS);
  const from = history.now();
  if (!came) return { ...fault, from, to: from, missed: `no ${fault.phase} was called` };
  await disturb(stack, fault);
  return { ...fault, from, to: history.now(), missed: null };
}

async function crashAtCutPoint(stack: Stack, history: History, fault: PlannedFault): Promise<DoneFault> {
  const part = fault.target as Part;
  const from = history.now();
  const point = `${fault.phase}:${fault.nth}`;
  const victim = await stack.restart(part, { FAILPOINT: point }, { waitForReady: false });
  const signal = await Promise.race([victim.exited.then((exit) => exit.signal), pause(CUT_MS).then(() => 'none')]);
  if (signal === 'SIGKILL') await pause(fault.holdMs);
  await stack.restart(part);
  const missed =
    signal === 'SIGKILL'
      ? null
      : signal === 'none'
        ? `${part} was not at ${point} within ${CUT_MS / 1000} s`
        : `${part} ended by itself: ${victim.lines.slice(-5).join(' | ')}`;
  return { ...fault, from, to: history.now(), missed };
}

/** Resolves when it is healed. */
async function disturb(stack: Stack, { target, fault, holdMs, direction }: PlannedFault): Promise<void> {
  const proxy = proxyOf(stack, target);
  const over = async (begin: (through: TcpProxy) => void) => {
    if (proxy === null) throw new Error(`nothing stands before ${target}`);
    begin(proxy);
    await pause(holdMs);
    proxy.heal();
  };
  switch (fault) {
    case 'kill':
    case 'term':
      await endProcess(stack, target, fault === 'kill' ? 'SIGKILL' : 'SIGTERM');
      await pause(holdMs);
      await stack.restart(target as Part);
      return;
    case 'pause': {
      const { pid } = stack.process(target as Part);
      process.kill(pid, 'SIGSTOP');
      await pause(holdMs);
      process.kill(pid, 'SIGCONT');
      return;
    }
    case 'cut':
      return over((through) => through.cut());
    case 'black_hole':
      return over((through) => through.freeze());
    case 'one_way':
      return over((through) => through.swallow(direction));
    case 'slow':
      return over((through) => through.delay(200, 200));
    case 'sessions_ended':
      await query(
        stack,
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'holdfast-%'`,
      );
      return;
    default:
      throw new Error(`${fault} cannot be done to ${target}`);
  }
}

async function endProcess(stack: Stack, target: Target, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  await stack.process(target as Part).kill(signal);
}

function proxyOf(stack: Stack, target: Target): TcpProxy | null {
  if (target === 'postgres') return stack.databaseProxy;
  if (target === 'gateway' || target === 'notification') return null;
  return stack.links.get(target) ?? null;
}

/** Waits until every process is there and ready, and gives those that are not: the nemesis has brought back all that it ended. */
export async function whoIsAway(stack: Stack): Promise<string[]> {
  const away: string[] = [];
  for (const part of stack.parts) {
    if (!stack.process(part).isRunning()) {
      away.push(`${part} ended by itself: ${stack.process(part).lines.slice(-5).join(' | ')}`);
      continue;
    }
    try {
      await until(
        `${part} to be ready`,
        async () => (await fetch(`${stack.url(part)}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
        30_000,
      );
    } catch {
      away.push(`${part} is not ready 30 s after the last healing`);
    }
  }
  return away;
}
