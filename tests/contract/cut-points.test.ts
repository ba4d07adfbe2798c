import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CONSUMERS } from '@holdfast/shared/bus/topology';
import { readPage, ROOT } from '../docs/pages.ts';

/** Names of all cut points in the code; one with `${name}` in it is one for each consumer. */
function cutPoints(): string[] {
  const files = globSync('{services,packages}/*/src/**/*.ts', { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const names = files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\bfailpoint\(\s*['`]([^'`]+)['`]/g)].map((found) => found[1]!),
  );
  const all = names.flatMap((name) =>
    name.includes('${name}') ? Object.keys(CONSUMERS).map((consumer) => name.replace('${name}', consumer)) : [name],
  );
  return [...new Set(all)].sort();
}

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** What the crash tests say; each of them fails when the process does not die at the point that it names. */
const tests = globSync(['services/**/*crash*.test.ts', 'tests/crash/*.test.ts'], {
  cwd: ROOT,
  exclude: ['**/node_modules'],
})
  .map(text)
  .join('\n');

test('there are cut points, and each has a name of its own', () => {
  expect(cutPoints().length).toBeGreaterThan(30);
  expect(cutPoints().every((name) => /^[a-z-]+(\.[a-z_]+)+$/.test(name))).toBe(true);
});

test.each(cutPoints())('a crash test kills a process at %s', (name) => {
  expect(tests).toMatch(new RegExp(`['"\`]${name.replaceAll('.', '\\.')}(:\\d+)?['"\`]`));
});

test.each(cutPoints())('docs/architecture.md says where a process ends at %s', (name) => {
  const [consumer, point] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
  const page = readPage('docs/architecture.md');
  expect(page).toContain(consumer in CONSUMERS ? `\`<consumer>.${point}\`` : `\`${name}\``);
});
