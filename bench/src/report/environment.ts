import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { ROOT } from '@holdfast/launcher/src/data-dir.ts';
import type pg from 'pg';

/** What the figures were measured on; no name of a host and no path. */
export interface Environment {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
  };
  readonly versions: Readonly<Record<string, string>>;
  readonly commit: string;
  /** Settings of PostgreSQL that a figure depends on. */
  readonly postgres: Readonly<Record<string, string>>;
  readonly services: Readonly<Record<string, string>>;
  /** Load of the machine before the first measurement: other people's work shows in the figures. */
  readonly loadBefore: number;
}

const SETTINGS = [
  ...['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size', 'wal_level', 'io_method'],
  ...['commit_delay', 'max_connections', 'jit'],
];

export async function readEnvironment(
  admin: pg.Client,
  versions: Readonly<Record<string, string>>,
  services: Readonly<Record<string, string>>,
  loadBefore: number,
): Promise<Environment> {
  const { rows } = await admin.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from pg_settings where name = any ($1) order by name',
    [SETTINGS],
  );
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release().split('-')[0]!,
    },
    versions: { node: process.versions.node, ...versions },
    commit: commit(),
    postgres: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
    services,
    loadBefore: Math.round(loadBefore * 100) / 100,
  };
}

/** The commit that was measured, with `+` for changes on top; `unknown` outside a git checkout. */
function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}

/** Resident memory of processes in MiB, by name; a process whose memory cannot be read is left out. */
export function residentMiB(pids: ReadonlyMap<string, number>): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const [name, pid] of pids) {
    try {
      const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (kib !== undefined) sizes[name] = Math.round(Number(kib) / 1024);
    } catch {
      // It has ended, or this is not Linux.
    }
  }
  return sizes;
}
