import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Every page of ours, relative to the checkout. */
export const PAGES: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...globSync(
    [
      'docs/**/*.md',
      'services/*/README.md',
      'infra/*/README.md',
      'tests/README.md',
      'tests/*/README.md',
      'bench/README.md',
    ],
    {
      cwd: ROOT,
    },
  ).sort(),
];

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Page text without fenced blocks, whose brackets and paths are examples. */
function prose(page: string): string {
  return readPage(page).replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** The anchor that a heading gets where pages are shown: lower case, spaces as dashes, no punctuation. */
function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Relative links of a page that lead nowhere: the file or the heading is not there. */
export function brokenLinks(page: string): string[] {
  const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map((m) => (m[1] ?? m[2])!);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path!);
    if (!existsSync(resolve(ROOT, file))) return true;
    return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor);
  });
}

/**
 * Paths in backticks that do not exist, and `path.ts:name` where the file has no such name. Placeholders (`<…>`, `*`, `…`) are no
 * paths. A file in a service is often named from `src/` on; such short forms are not looked at, nor what `infra/up` makes on a machine.
 */
export function brokenPaths(page: string): string[] {
  const named = [...prose(page).matchAll(/`((?:services|packages|infra|tests|bench|docs|\.ci|\.github)\/[^`\s]*)`/g)];
  return named
    .map((match) => match[1]!)
    .filter((text) => !/[<*…{]/.test(text) && !/^infra\/(secrets|compose\/production\.env$)/.test(text))
    .filter((text) => {
      const [path, name] = text.split(':');
      const file = join(ROOT, path!);
      if (!existsSync(file)) return true;
      return name !== undefined && !new RegExp(`\\b${name}\\b`).test(readFileSync(file, 'utf8'));
    });
}

/** Scripts of package.json that a page names and that are not there. */
export function unknownCommands(page: string): string[] {
  const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };
  const named = [...readPage(page).matchAll(/\bnpm (?:run (?:-s |--silent )?([a-z:-]+)|(start|test)\b)/g)];
  return named.map((match) => (match[1] ?? match[2])!).filter((script) => !Object.hasOwn(scripts, script));
}
