import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { PostgresPrograms } from './postgres.ts';
import { canEnter, type UnprivilegedUser } from './unprivileged-user.ts';

/** Folders that PostgreSQL's account can reach. */
export interface PostgresHome {
  /** Clusters go below this folder. */
  readonly dir: string;
  readonly programs: PostgresPrograms;
}

/**
 * Decides where PostgreSQL lives. Started as root it runs as another account, which often cannot enter the checkout (a home folder or
 * a temporary folder of mode 700). Then its data, and a copy of its programs where needed, go to a folder under /var/tmp that
 * belongs to this data folder: named after it and marked with its token, so that nobody else's is used and a stale one is replaced.
 */
export async function postgresHome(
  dataDir: string,
  programs: PostgresPrograms,
  user: UnprivilegedUser | undefined,
  log: (line: string) => void,
  outsideRoot = '/var/tmp',
): Promise<PostgresHome> {
  if (user === undefined || programs.postgres.changesUser === true) return { dir: dataDir, programs };
  const reachable = await canEnter(user, dataDir);
  const dir = reachable ? dataDir : outsideHome(dataDir, outsideRoot);
  if (!reachable) log(`user ${user.name} cannot enter ${dataDir}: PostgreSQL's files go to ${dir}`);
  const binFolder = dirname(programs.postgres.command);
  if (await canEnter(user, binFolder)) return { dir, programs };
  return { dir, programs: copyPrograms(programs, join(dir, 'postgres-programs')) };
}

function outsideHome(dataDir: string, outsideRoot: string): string {
  const tokenFile = join(dataDir, 'postgres-home-token');
  if (!existsSync(tokenFile)) writeFileSync(tokenFile, randomUUID(), { mode: 0o600 });
  const token = readFileSync(tokenFile, 'utf8');
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 12);
  const dir = join(outsideRoot, `holdfast-${name}`);
  const mark = join(dir, 'token');
  const isOurs = existsSync(mark) && readFileSync(mark, 'utf8') === token;
  if (!isOurs) {
    // The data folder that it belonged to is gone, and with it the password and the wish to keep this.
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { mode: 0o711 });
    writeFileSync(mark, token, { mode: 0o600 });
  }
  return dir;
}

/** Copies the folder above `bin`, as the programs look for `../lib` and `../share`. */
function copyPrograms(programs: PostgresPrograms, target: string): PostgresPrograms {
  const prefix = dirname(dirname(programs.postgres.command));
  const stamp = join(target, '.copied-from');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== prefix) {
    const work = `${target}.tmp-${process.pid}`;
    rmSync(work, { recursive: true, force: true });
    cpSync(prefix, work, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(work, '.copied-from'), prefix);
    rmSync(target, { recursive: true, force: true });
    renameSync(work, target);
  }
  const moved = (name: 'postgres' | 'initdb') => ({ ...programs[name], command: join(target, 'bin', name) });
  return { postgres: moved('postgres'), initdb: moved('initdb') };
}
