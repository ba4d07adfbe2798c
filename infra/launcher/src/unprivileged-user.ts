import { readFileSync } from 'node:fs';
import { runCommand } from './run-command.ts';

/** An account to run PostgreSQL under: it refuses to run as root. */
export interface UnprivilegedUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account to drop to when this process is root: `postgres` where it exists, else `nobody`; undefined when not root.
 * @throws when root and neither account exists.
 */
export function unprivilegedUser(
  isRoot = process.getuid?.() === 0,
  passwd = () => readFileSync('/etc/passwd', 'utf8'),
): UnprivilegedUser | undefined {
  if (!isRoot) return undefined;
  const accounts = passwd()
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const found = accounts.find((fields) => fields[0] === name);
    if (found !== undefined) return { name, uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root and there is no user "postgres" or "nobody" to run it as. Run this as an ordinary user.',
  );
}

/** Whether that account can enter this folder (asked of the kernel, so that every rule counts: modes of all parents, ACLs, mounts). */
export async function canEnter(user: UnprivilegedUser | undefined, folder: string): Promise<boolean> {
  if (user === undefined) return true;
  const result = await runCommand('/bin/sh', ['-c', 'cd "$0"', folder], { cwd: '/', uid: user.uid, gid: user.gid });
  return result.code === 0;
}

/** Options for `spawn` that drop to the account. */
export function asUser(user: UnprivilegedUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}
