import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { placeFolder } from '../place-folder.ts';
import { runCommand, type CommandResult } from '../run-command.ts';
import { searchFolder, type ServerSpec } from './installed-binary.ts';
import type { BinarySource, SearchResult } from './server-binaries.ts';

export interface DebianOptions {
  /** Data folder: packages are unpacked into `<dataDir>/servers/<package>`; nothing on the host changes. */
  readonly dataDir: string;
  readonly package: string;
  /** What else to unpack when apt cannot say what the package needs. */
  readonly knownDependencies: readonly string[];
  readonly spec: ServerSpec;
  /** Folder of the executable inside the package, e.g. `usr/sbin`. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * The system's package repository: the package and what it lacks on this machine are downloaded and unpacked, not installed, because
 * an installed server package starts a daemon of its own. Works without root.
 */
export function debianSource(options: DebianOptions): BinarySource {
  return {
    name: `system packages (apt-get download ${options.package})`,
    async search(): Promise<SearchResult> {
      const target = join(options.dataDir, 'servers', options.package);
      if (existsSync(target)) {
        const unpacked = await searchUnpacked(options, target);
        if ('programs' in unpacked) return unpacked;
        rmSync(target, { recursive: true, force: true });
      }
      if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg'))
        return { missing: 'this system has no apt-get and dpkg' };
      const problem = await downloadAndUnpack(options, target);
      return problem === undefined ? await searchUnpacked(options, target) : { missing: problem };
    },
  };
}

async function searchUnpacked(options: DebianOptions, target: string): Promise<SearchResult> {
  const libraries = libraryFolders(target);
  const env: Record<string, string> = libraries.length === 0 ? {} : { LD_LIBRARY_PATH: libraries.join(':') };
  return searchFolder(options.spec, join(target, options.folder), 'system package, unpacked', undefined, env);
}

/** Unpacks into a temporary folder and renames it at the end, so that an interrupted start leaves nothing half done. */
async function downloadAndUnpack(options: DebianOptions, target: string): Promise<string | undefined> {
  const work = `${target}.tmp-${process.pid}`;
  const downloads = join(work, 'debs');
  mkdirSync(downloads, { recursive: true });
  try {
    options.log(
      `fetching ${options.package} from the system's package repository (unpacked into the data folder, not installed)`,
    );
    let result = await download(options, downloads, []);
    if (result.code !== 0 && existsSync(join(options.dataDir, 'apt'))) {
      // Lists that another package needed before.
      result = await download(options, downloads, privateAptOptions(join(options.dataDir, 'apt')));
    }
    if (result.code !== 0) {
      // No package lists (usual in images) or old ones that name versions that have gone: fresh lists of our own.
      options.log('refreshing package lists in the data folder');
      const privateLists = privateAptOptions(join(options.dataDir, 'apt'));
      const update = await apt([...privateLists, 'update'], downloads);
      if (update.code !== 0) return `apt-get update failed: ${lastLine(update.output)}`;
      result = await download(options, downloads, privateLists);
    }
    if (result.code !== 0) return lastLine(result.output);
    const root = join(work, 'root');
    for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb'))) {
      const unpacked = await runCommand('dpkg', ['-x', join(downloads, file), root]);
      if (unpacked.code !== 0) return `dpkg -x ${file} failed: ${lastLine(unpacked.output)}`;
    }
    placeFolder(root, target);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function download(options: DebianOptions, folder: string, aptOptions: readonly string[]): Promise<CommandResult> {
  // A rehearsed install (-s changes nothing) names the package and those of its dependencies that this machine lacks.
  const rehearsal = await apt([...aptOptions, '-s', 'install', '--no-install-recommends', options.package], folder);
  const names =
    rehearsal.code === 0 ? packagesToInstall(rehearsal.output) : [options.package, ...options.knownDependencies];
  return apt([...aptOptions, 'download', ...(names.length === 0 ? [options.package] : names)], folder);
}

/** The package names in the output of a rehearsed `apt-get -s install`. */
export function packagesToInstall(output: string): string[] {
  return output
    .split('\n')
    .map((line) => /^Inst (\S+) /.exec(line)?.[1])
    .filter((name) => name !== undefined);
}

function apt(args: readonly string[], cwd: string): Promise<CommandResult> {
  // Root's apt would download as the user _apt, which cannot write into the data folder; the packages' signatures are checked anyway.
  const always = ['-q', '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=1', '-o', 'Acquire::Retries=2'];
  return runCommand('apt-get', [...always, ...args], { cwd, env: { ...process.env, LC_ALL: 'C' }, timeoutMs: 180_000 });
}

function privateAptOptions(folder: string): string[] {
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  return ['-o', `Dir::State::lists=${join(folder, 'lists')}`, '-o', `Dir::Cache=${join(folder, 'cache')}`];
}

/** Folders with shared libraries inside an unpacked tree: `usr/lib/<triplet>` and its like. */
function libraryFolders(root: string): string[] {
  const folders: string[] = [];
  for (const parent of ['usr/lib', 'lib'].map((name) => join(root, name))) {
    for (const name of existsSync(parent) ? readdirSync(parent) : []) {
      const folder = join(parent, name);
      if (statSync(folder).isDirectory() && readdirSync(folder).some((file) => file.includes('.so')))
        folders.push(folder);
    }
  }
  return folders;
}

const lastLine = (output: string) => output.split('\n').findLast((line) => line.trim() !== '') ?? 'no output';
