import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isSameProcess, type ProcessIdentity } from './stack-state.ts';

/**
 * Takes the data folder for this process. One of two launchers that start at the same moment wins, as the file is made exclusively.
 * @returns the process that holds it, or undefined when it is ours now.
 */
export function takeLauncherLock(dataDir: string): ProcessIdentity | undefined {
  const file = join(dataDir, 'launcher.lock');
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx', mode: 0o600 });
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    if (holder !== undefined && isSameProcess(holder)) return holder;
    rmSync(file, { force: true });
  }
}

export function releaseLauncherLock(dataDir: string): void {
  const file = join(dataDir, 'launcher.lock');
  if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
