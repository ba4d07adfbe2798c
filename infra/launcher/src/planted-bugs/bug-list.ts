import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Folder of the patches and of their list, in the checkout. */
export const BUGS_DIR = 'tests/planted-bugs';

const bugSchema = z.strictObject({
  /** Name of the patch, without `.patch`. */
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  /** What the patch does wrong, in a few words. */
  breaks: z.string().min(10),
  /** The file of the test that must fail, from the root of the checkout. */
  file: z.string().regex(/\.test\.ts$/),
  /** Its title, or the part of it that no other test of the file has. */
  test: z.string().min(5),
});

export type PlantedBug = z.infer<typeof bugSchema>;

/** The bugs that are planted, in the order of the list. @throws Error when the list is not in order. */
export function readBugs(root: string): PlantedBug[] {
  const file = join(root, BUGS_DIR, 'bugs.json');
  const parsed = z.array(bugSchema).safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  const names = parsed.data.map((bug) => bug.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`${file} lists ${twice} twice`);
  return parsed.data;
}

export function patchOf(root: string, bug: PlantedBug): string {
  return join(root, BUGS_DIR, `${bug.name}.patch`);
}
