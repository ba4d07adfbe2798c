import type { Program } from '../server-process.ts';

/** A server's programs by name, e.g. `postgres` and `initdb`, and where they come from. */
export interface FoundServer {
  readonly programs: Readonly<Record<string, Program>>;
  readonly version: string;
  /** For people, e.g. `PATH (/usr/sbin/nats-server)`. */
  readonly source: string;
}

/** What one place to look answers: the server, or why it is not there. */
export type SearchResult = FoundServer | { readonly missing: string };

/** One place to look for a server. */
export interface BinarySource {
  readonly name: string;
  search(): Promise<SearchResult>;
}

/** Thrown when a server is nowhere to be found; the message lists every place and the fix. */
export class ServerNotFoundError extends Error {
  constructor(server: string, tried: readonly string[], fix: string) {
    super(
      `No ${server} was found. Tried, in this order:\n${tried.map((line) => `  - ${line}`).join('\n')}\nFix: ${fix}`,
    );
    this.name = 'ServerNotFoundError';
  }
}

/**
 * Asks the places in order and takes the first answer.
 * @throws ServerNotFoundError when none has it.
 */
export async function findServer(server: string, sources: readonly BinarySource[], fix: string): Promise<FoundServer> {
  const tried: string[] = [];
  for (const source of sources) {
    const result = await source.search();
    if ('programs' in result) return result;
    tried.push(`${source.name}: ${result.missing}`);
  }
  throw new ServerNotFoundError(server, tried, fix);
}

/** The first version number in the output of a `--version`, e.g. `18.4` or `2.9.10`; undefined when there is none. */
export function parseVersion(output: string): string | undefined {
  return /(\d+(?:\.\d+)+)/.exec(output)?.[1];
}

/** Whether a dotted version is at least another; missing parts count as 0. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number);
  const need = minimum.split('.').map(Number);
  for (let i = 0; i < Math.max(have.length, need.length); i += 1) {
    const difference = (have[i] ?? 0) - (need[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
