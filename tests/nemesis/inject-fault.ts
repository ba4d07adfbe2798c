import { until } from '@holdfast/shared/testing/until';
import type { Link, Part, Stack } from '../support/stack.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { pause } from './client.ts';
import type { CallKind, History } from './history.ts';
import type { Target } from './matrix.ts';
import type { PlannedFault } from './plan.ts';
import {
  endForAWhile,
  endSessions,
  flushRedis,
  killBackend,
  lockTables,
  postgresProcesses,
  serverOf,
  stopForAWhile,
} from './server-faults.ts';

/** What became of a planned fault. `missed` says what never came: the run proves nothing of it then. */
export interface DoneFault extends PlannedFault {
  readonly from: number;
  readonly to: number;
  readonly missed: string | null;
}

/** Longest wait for the call that must be under way, and for a process to come to its cut point. */
const PHASE_MS = 30_000;
const CUT_MS = 30_000;
/** Less than what the streams hold by then. */
const FULL_BYTES = 10_000;

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
  const over = async (begin: (through: TcpProxy) => void) => {
    const proxy = proxyOf(stack, target);
    begin(proxy);
    await pause(holdMs);
    proxy.heal();
  };
  switch (fault) {
    case 'kill':
    case 'term':
      return endForAWhile(stack, target, fault === 'kill' ? 'SIGKILL' : 'SIGTERM', holdMs);
    case 'pause':
      return stopForAWhile(
        target === 'postgres' ? await postgresProcesses(stack) : [serverOf(stack, target).pid],
        holdMs,
      );
    case 'cut':
      return over((through) => through.cut());
    case 'black_hole':
      return over((through) => through.freeze());
    case 'one_way':
      return over((through) => through.swallow(direction));
    case 'slow':
      return over((through) => through.delay(200, 200));
    case 'wipe':
      await pause(holdMs);
      return stack.nats.restart({ wipe: true });
    case 'full':
      await stack.nats.restart({ roomBytes: FULL_BYTES });
      await pause(holdMs);
      return stack.nats.restart();
    case 'rollback':
    case 'half_rollback':
      await stack.nats.copyStore();
      await pause(holdMs);
      return stack.nats.restoreStore(fault === 'rollback' ? 'all' : 'messages');
    case 'flush':
      return flushRedis(stack, holdMs);
    case 'sessions_ended':
      return endSessions(stack);
    case 'pool_exhausted':
      return lockTables(stack, holdMs);
    case 'backend_killed':
      return killBackend(stack);
    case 'crash_at':
      throw new Error('a cut point is not a disturbance');
  }
}

function proxyOf(stack: Stack, target: Target): TcpProxy {
  const proxy = target === 'postgres' ? stack.databaseProxy : stack.links.get(target as Link);
  if (!proxy) throw new Error(`nothing stands before ${target}`);
  return proxy;
}

/** Waits until every process is there and ready, and gives those that are not: the nemesis has brought back all that it ended. */
export async function whoIsAway(stack: Stack): Promise<string[]> {
  const away: string[] = [];
  for (const server of ['nats', 'redis'] as const) {
    if (!serverOf(stack, server).isRunning()) away.push(`${server} ended by itself`);
  }
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
