import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What a backup holds; the file `manifest.json` in its folder. */
const manifest = z.object({
  format: z.literal(1),
  /** The moment of which everything is: one snapshot over all schemas. */
  taken_at: z.iso.datetime({ offset: true }),
  server_version: z.string(),
  /** Names of the migrations that had run, in order, by schema and the table that keeps them. */
  migrations: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
  tables: z.array(
    z.object({
      schema: z.string(),
      table: z.string(),
      columns: z.array(z.string()).min(1),
      rows: z.number().int().min(0),
      file: z.string().regex(/^[a-z_]+\.[a-z0-9_]+\.copy\.gz$/),
      sha256: z.string().length(64),
    }),
  ),
  sequences: z.array(
    z.object({ schema: z.string(), sequence: z.string(), value: z.string().regex(/^\d+$/), called: z.boolean() }),
  ),
});
export type Manifest = z.infer<typeof manifest>;
export type BackedUpTable = Manifest['tables'][number];

export const MANIFEST_FILE = 'manifest.json';

/** @throws when the folder has none, or one of another format. */
export function readManifest(folder: string): Manifest {
  let text: string;
  try {
    text = readFileSync(join(folder, MANIFEST_FILE), 'utf8');
  } catch (error) {
    throw new Error(`${folder} is no backup: it has no ${MANIFEST_FILE}`, { cause: error });
  }
  const parsed = manifest.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${folder}/${MANIFEST_FILE} is damaged, or of another release`);
  return parsed.data;
}
