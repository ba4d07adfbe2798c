import { renameSync, rmSync } from 'node:fs';

/**
 * Moves a finished folder to its place in one step. When another command was faster (`npm start` and `npm test` both set up a new
 * checkout), its folder stays and this one is thrown away: it may be in use already, and both hold the same.
 */
export function placeFolder(work: string, target: string): void {
  try {
    renameSync(work, target);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    rmSync(work, { recursive: true, force: true });
  }
}
