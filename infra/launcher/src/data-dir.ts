import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this launcher belongs to. */
export const ROOT = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** Makes the data folder: others may pass through it (PostgreSQL's account must reach its cluster) but not list it. */
export function openDataDir(configured: string | undefined): string {
  const dir = resolve(ROOT, configured ?? '.holdfast');
  try {
    mkdirSync(dir, { recursive: true, mode: 0o711 });
    mkdirSync(join(dir, 'logs'), { recursive: true });
    mkdirSync(join(dir, 'servers'), { recursive: true });
  } catch (error) {
    throw new Error(`cannot create the data folder ${dir}; set HOLDFAST_DATA_DIR to a folder that can be written`, {
      cause: error,
    });
  }
  return dir;
}
