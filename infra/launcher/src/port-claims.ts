import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, isSameProcess, type ProcessIdentity } from './stack-state.ts';

/**
 * Claims on ports among the launchers of one machine. A port is chosen seconds before its process listens on it, and two stacks that
 * start at one moment would choose the same. A claim is a file made exclusively; it counts as long as its launcher lives.
 */
export class PortClaims {
  readonly #folder: string;
  readonly #held: string[] = [];

  constructor(folder = join(tmpdir(), 'holdfast-ports')) {
    this.#folder = folder;
  }

  /** Whether the port is ours now. */
  claim(port: number): boolean {
    const file = join(this.#folder, String(port));
    try {
      mkdirSync(this.#folder, { recursive: true });
      // Like /tmp itself: everybody may add, nobody may remove another's.
      chmodQuietly(this.#folder, 0o1777);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        if (this.#write(file)) return true;
        const holder = readHolder(file);
        if (holder !== undefined && isSameProcess(holder)) return holder.pid === process.pid;
        rmSync(file, { force: true });
      }
      return false;
    } catch {
      // Claims prevent a rare collision; where they cannot be kept, the start goes on without them.
      return true;
    }
  }

  release(): void {
    for (const file of this.#held.splice(0)) rmSync(file, { force: true });
  }

  #write(file: string): boolean {
    try {
      writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx' });
      this.#held.push(file);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function chmodQuietly(folder: string, mode: number): void {
  try {
    chmodSync(folder, mode);
  } catch {
    // It belongs to another account, which has set it.
  }
}
