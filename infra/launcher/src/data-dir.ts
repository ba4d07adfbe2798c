import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this launcher belongs to. */
export const ROOT = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

/** Where the data folder is; a relative path counts from the checkout, so that every verb finds the same one. */
export function resolveDataDir(configured: string | undefined): string {
  return resolve(ROOT, configured ?? '.holdfast');
}

/** Makes the data folder: others may pass through it (PostgreSQL's account must reach its cluster) but not list it. */
export function openDataDir(configured: string | undefined): string {
  const dir = resolveDataDir(configured);
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
