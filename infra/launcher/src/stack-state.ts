import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProcessAlive, processStartTime } from './process-alive.ts';

/** The processes of a stack, in the order in which `status` prints them. */
export const PROCESS_NAMES = [
  'gateway',
  'booking',
  'payment',
  'notification',
  'provider',
  'mail',
  'postgres',
  'nats',
  'redis',
] as const;
export type ProcessName = (typeof PROCESS_NAMES)[number];

/** One process as `status --json` prints it. The pid is null for a server that the launcher uses but did not start. */
export interface ProcessEntry {
  readonly url: string;
  readonly pid: number | null;
}

/** A process named for ever: pids are used again, start times with them are not. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string | undefined;
}

export interface StackState {
  readonly launcher: ProcessIdentity;
  /** Value of HOLDFAST_STACK_ID in the environment of every child. */
  readonly stackId: string;
  readonly startedAt: string;
  /** True once everything has been ready. */
  readonly isUp: boolean;
  readonly ports: Readonly<Record<string, number>>;
  readonly children: Readonly<Record<string, ProcessIdentity>>;
  readonly processes: Readonly<Partial<Record<ProcessName, ProcessEntry | null>>>;
}

const stateFile = (dataDir: string) => join(dataDir, 'stack.json');

export function writeState(dataDir: string, state: StackState): void {
  const file = stateFile(dataDir);
  // Renamed into place, so that nobody reads half a file; it holds the administrator's database URL.
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** The state of the last stack of this data folder, running or not; undefined when there was none. */
export function readState(dataDir: string): StackState | undefined {
  const file = stateFile(dataDir);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StackState;
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStartTime(pid) };
}

/** Whether exactly this process still runs. Without start times (no /proc) the pid must do. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  return isProcessAlive(identity.pid) && processStartTime(identity.pid) === identity.startTime;
}

export function isStackRunning(state: StackState | undefined): state is StackState {
  return state !== undefined && isSameProcess(state.launcher);
}

/** The object of `status --json`: every name, null for what the stack runs without. */
export function statusJson(state: StackState): Record<ProcessName, ProcessEntry | null> {
  return Object.fromEntries(PROCESS_NAMES.map((name) => [name, state.processes[name] ?? null])) as Record<
    ProcessName,
    ProcessEntry | null
  >;
}
