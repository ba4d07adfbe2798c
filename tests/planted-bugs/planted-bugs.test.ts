import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { BUGS_DIR, patchOf, readBugs } from '@holdfast/launcher/src/planted-bugs/bug-list.ts';
import { whyNotApplicable } from '@holdfast/launcher/src/planted-bugs/bug-tree.ts';
import { ROOT } from '../docs/pages.ts';

const bugs = readBugs(ROOT);

test('each patch is a bug of the list, and each bug has a patch', () => {
  const patches = readdirSync(join(ROOT, BUGS_DIR)).filter((name) => name.endsWith('.patch'));
  expect(patches.sort()).toEqual(bugs.map(({ name }) => `${name}.patch`).sort());
});

test.each(bugs)('$name can still be planted, and its test is there', async (bug) => {
  expect(await whyNotApplicable(ROOT, patchOf(ROOT, bug))).toBeNull();
  expect(readFileSync(join(ROOT, bug.file), 'utf8')).toContain(bug.test);
});
