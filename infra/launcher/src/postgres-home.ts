import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { placeFolder } from './place-folder.ts';
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
  found: { readonly postgres: PostgresPrograms; readonly version: string },
  user: UnprivilegedUser | undefined,
  log: (line: string) => void,
  outsideRoot = '/var/tmp',
): Promise<PostgresHome> {
  const programs = found.postgres;
  if (user === undefined || programs.postgres.changesUser === true) return { dir: dataDir, programs };
  const reachable = await canEnter(user, dataDir);
  const dir = reachable ? dataDir : outsideHome(dataDir, outsideRoot);
  if (!reachable) log(`user ${user.name} cannot enter ${dataDir}: PostgreSQL's files go to ${dir}`);
  const binFolder = dirname(programs.postgres.command);
  if (await canEnter(user, binFolder)) return { dir, programs };
  return { dir, programs: copyPrograms(programs, found.version, dir) };
}

function outsideHome(dataDir: string, outsideRoot: string): string {
  const token = readToken(join(dataDir, 'postgres-home-token'));
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 12);
  const dir = join(outsideRoot, `holdfast-${name}`);
  const mark = join(dir, 'token');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === token) return dir;
  // What is there belonged to a data folder that is gone, and with it the password and the wish to keep this.
  rmSync(dir, { recursive: true, force: true });
  const work = `${dir}.tmp-${process.pid}`;
  mkdirSync(work, { mode: 0o711 });
  writeFileSync(join(work, 'token'), token, { mode: 0o600 });
  placeFolder(work, dir);
  return dir;
}

/** The same for two commands that start at one moment: linked into place complete, and the first one counts. */
function readToken(file: string): string {
  if (!existsSync(file)) {
    const work = `${file}.tmp-${process.pid}`;
    writeFileSync(work, randomUUID(), { mode: 0o600 });
    try {
      linkSync(work, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(work, { force: true });
    }
  }
  return readFileSync(file, 'utf8');
}

/** Copies the folder above `bin`, as the programs look for `../lib` and `../share`; a copy is never changed, as it may be in use. */
function copyPrograms(programs: PostgresPrograms, version: string, home: string): PostgresPrograms {
  const prefix = dirname(dirname(programs.postgres.command));
  const target = join(home, `postgres-${version}`);
  if (!existsSync(target)) {
    const work = `${target}.tmp-${process.pid}`;
    cpSync(prefix, work, { recursive: true, verbatimSymlinks: true });
    placeFolder(work, target);
  }
  const moved = (name: 'postgres' | 'initdb') => ({ ...programs[name], command: join(target, 'bin', name) });
  return { postgres: moved('postgres'), initdb: moved('initdb') };
}
