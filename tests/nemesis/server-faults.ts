import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import pg from 'pg';
import { query } from '../support/query.ts';
import type { Part, Stack } from '../support/stack.ts';
import { pause } from './client.ts';
import type { Target } from './matrix.ts';

const FLUSH_EVERY_MS = 500;
/** Every call needs one of these. */
const TABLES = ['booking.bookings', 'booking.events', 'booking.resources', 'payment.payments'];

/** The process of a service or of a server of the stack. PostgreSQL belongs to the test run and has none here. */
export function serverOf(stack: Stack, target: Target) {
  if (target === 'nats') return stack.nats.process();
  if (target === 'redis') return stack.redis!.process();
  return stack.process(target as Part);
}

/** Ends a process, keeps it away, and starts it again. */
export async function endForAWhile(
  stack: Stack,
  target: Target,
  signal: 'SIGKILL' | 'SIGTERM',
  ms: number,
): Promise<void> {
  await serverOf(stack, target).kill(signal);
  await pause(ms);
  if (target === 'nats') await stack.nats.restart();
  else if (target === 'redis') await stack.redis!.restart();
  else await stack.restart(target as Part);
}

/** Stops processes in the middle of whatever they do, and lets them go on. */
export async function stopForAWhile(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  await pause(ms);
  for (const pid of pids) signal(pid, 'SIGCONT');
}

/** One that has ended meanwhile is none to signal. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The postmaster and all its children, which have process groups of their own. */
export async function postgresProcesses(stack: Stack): Promise<number[]> {
  const [row] = await query<{ file: string }>(stack, `select pg_read_file('postmaster.pid') as file`);
  const postmaster = Number(row!.file.split('\n')[0]);
  const children = readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && parentOf(pid) === postmaster);
  return [postmaster, ...children];
}

function parentOf(pid: number): number | null {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

export async function endSessions(stack: Stack): Promise<void> {
  await query(
    stack,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'holdfast-%'`,
  );
}

/** Kills one session's process: PostgreSQL takes its memory for spoilt, ends every session, and recovers from its log. */
export async function killBackend(stack: Stack): Promise<void> {
  const [row] = await query<{ pid: number }>(
    stack,
    `select pid from pg_stat_activity
      where datname = current_database() and application_name like 'holdfast-%' order by pid limit 1`,
  );
  if (row === undefined) throw new Error('no service has a session');
  process.kill(row.pid, 'SIGKILL');
  await pause(500);
}

/** Locks what every call needs, so that each pool runs out of connections that do not wait. */
export async function lockTables(stack: Stack, ms: number): Promise<void> {
  const client = new pg.Client({ connectionString: stack.database.adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    while (!(await lockedAll(client))) await client.query('rollback');
    await pause(ms);
    await client.query('rollback');
  } finally {
    await client.end();
  }
}

/** Whether it got them: those who hold one and want another may have to be let by first, and then PostgreSQL ends one of the two. */
async function lockedAll(client: pg.Client): Promise<boolean> {
  try {
    await client.query(`begin; lock table ${TABLES.join(', ')} in access exclusive mode`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === '40P01') return false;
    throw error;
  }
}

export async function flushRedis(stack: Stack, ms: number): Promise<void> {
  const redis = new Redis(stack.redis!.url);
  redis.on('error', () => undefined);
  try {
    for (let left = ms; left > 0; left -= FLUSH_EVERY_MS) {
      await redis.flushall();
      await pause(FLUSH_EVERY_MS);
    }
  } finally {
    redis.disconnect();
  }
}
