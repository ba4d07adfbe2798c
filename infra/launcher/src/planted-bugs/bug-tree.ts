import { cpSync, globSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { releaseLauncherLock, takeLauncherLock } from '../launcher-lock.ts';
import { runCommand } from '../run-command.ts';

/** A copy of the checkout in which patches come and go. */
export interface BugTree {
  readonly dir: string;
  /** @throws Error when the patch does not fit. */
  apply(patch: string): Promise<void>;
  takeBack(patch: string): Promise<void>;
  remove(): void;
}

const LEFT_OUT = new Set(['node_modules', '.holdfast', '.git', 'coverage']);

/**
 * Copies the sources, and links the installed packages into the copy file by file, so that its workspace packages resolve to its own
 * sources. Servers that were fetched before are used again. @throws Error when another run from this checkout is under way.
 */
export async function openBugTree(root: string, dataDir: string): Promise<BugTree> {
  const home = join(dataDir, 'planted-bugs');
  mkdirSync(home, { recursive: true, mode: 0o711 });
  const holder = takeLauncherLock(home);
  if (holder !== undefined) throw new Error(`bugs are being planted from this checkout already (pid ${holder.pid})`);
  const dir = join(home, 'tree');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { mode: 0o711 });
  // One by one: the copy lies inside the checkout, which cannot be copied into itself as a whole.
  for (const name of readdirSync(root).filter((each) => !LEFT_OUT.has(each))) {
    cpSync(join(root, name), join(dir, name), { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) });
  }
  const installed = globSync(
    ['node_modules', '{services,packages,infra}/*/node_modules', '{tests,bench}/node_modules'],
    {
      cwd: root,
    },
  );
  for (const modules of installed) {
    const { code, output } = await runCommand('cp', ['-al', join(root, modules), join(dir, modules)]);
    if (code !== 0) throw new Error(`cannot link ${modules} into ${dir}: ${output}`);
  }
  mkdirSync(join(dir, '.holdfast'), { mode: 0o711 });
  for (const folder of ['servers', 'apt']) {
    mkdirSync(join(dataDir, folder), { recursive: true });
    symlinkSync(join(dataDir, folder), join(dir, '.holdfast', folder));
  }
  return {
    dir,
    apply: (patch) => gitApply(dir, [patch]),
    takeBack: (patch) => gitApply(dir, ['--reverse', patch]),
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
      releaseLauncherLock(home);
    },
  };
}

/** Whether the patch fits the files below `dir`; a sentence on why not, or null. */
export async function whyNotApplicable(dir: string, patch: string): Promise<string | null> {
  try {
    await gitApply(dir, ['--check', patch]);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function gitApply(dir: string, args: readonly string[]): Promise<void> {
  // Inside another repository git would take the paths for those of that repository and silently skip all of them.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(dir) };
  const { code, output } = await runCommand('git', ['apply', '--whitespace=nowarn', ...args], { cwd: dir, env });
  if (code !== 0) throw new Error(`git apply ${relative(dir, args.at(-1) ?? '')}: ${output}`);
}
