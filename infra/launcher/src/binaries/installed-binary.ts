import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';
import type { Program } from '../server-process.ts';
import { isAtLeast, parseVersion, type BinarySource, type SearchResult } from './server-binaries.ts';

/** What a server consists of and how old it may be. */
export interface ServerSpec {
  /** The file whose `--version` counts, e.g. `postgres`. */
  readonly executable: string;
  /** Files that must lie beside it, e.g. `initdb`. */
  readonly companions?: readonly string[];
  readonly minimumVersion: string;
}

/** How the file system and the programs are asked; a test answers from a table. */
export interface Machine {
  isExecutable(file: string): boolean;
  /** Output of `<file> --version`; undefined when it does not run. */
  versionOf(program: Program): Promise<string | undefined>;
}

export const thisMachine: Machine = {
  isExecutable(file) {
    try {
      accessSync(file, constants.X_OK);
      return existsSync(file);
    } catch {
      return false;
    }
  },
  async versionOf(program) {
    const result = await runCommand(program.command, [...(program.args ?? []), '--version'], {
      cwd: '/',
      env: { ...process.env, ...program.env },
      timeoutMs: 10_000,
    });
    return result.code === 0 ? result.output : undefined;
  },
};

/** Looks whether a folder holds the server in a version that is new enough. */
export async function searchFolder(
  spec: ServerSpec,
  folder: string,
  source: string,
  machine: Machine = thisMachine,
  env: Readonly<Record<string, string>> = {},
): Promise<SearchResult> {
  const names = [spec.executable, ...(spec.companions ?? [])];
  for (const name of names) {
    if (!machine.isExecutable(join(folder, name))) return { missing: `no ${name} in ${folder}` };
  }
  const programs = Object.fromEntries(names.map((name) => [name, { command: join(folder, name), env }]));
  const output = await machine.versionOf(programs[spec.executable] as Program);
  const version = output === undefined ? undefined : parseVersion(output);
  if (version === undefined) return { missing: `${join(folder, spec.executable)} does not run` };
  if (!isAtLeast(version, spec.minimumVersion)) {
    return {
      missing: `${join(folder, spec.executable)} is version ${version}, at least ${spec.minimumVersion} is needed`,
    };
  }
  return { programs, version, source: `${source} (${join(folder, spec.executable)})` };
}

/** The folders of PATH and more; of several that have the program, the first that is new enough is taken. */
export function foldersSource(
  name: string,
  spec: ServerSpec,
  folders: readonly string[],
  machine: Machine = thisMachine,
): BinarySource {
  return {
    name,
    async search() {
      const reasons: string[] = [];
      for (const folder of new Set(folders)) {
        if (!machine.isExecutable(join(folder, spec.executable))) continue;
        const result = await searchFolder(spec, folder, name, machine);
        if ('programs' in result) return result;
        reasons.push(result.missing);
      }
      return { missing: reasons.length === 0 ? `no ${spec.executable} there` : reasons.join('; ') };
    },
  };
}

/** The file that an environment variable names. A wrong value stops the search: the user meant that one and no other. */
export function variableSource(
  variable: string,
  value: string | undefined,
  search: (value: string) => Promise<SearchResult>,
): BinarySource {
  return {
    name: `environment variable ${variable}`,
    async search() {
      if (value === undefined || value === '') return { missing: 'not set' };
      const result = await search(value);
      if ('missing' in result) {
        throw new Error(
          `${variable}=${value} cannot be used: ${result.missing}. Correct it, or unset it to have the server found.`,
        );
      }
      return result;
    },
  };
}
