import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeFolder } from '../place-folder.ts';
import { runCommand } from '../run-command.ts';
import { searchFolder, type ServerSpec } from './installed-binary.ts';
import type { BinarySource, SearchResult } from './server-binaries.ts';

/** A release archive, pinned by version and content. */
export interface PinnedRelease {
  readonly version: string;
  /** Archive URL and its SHA-256 by Node's `process.arch`. */
  readonly archives: Readonly<Record<string, { readonly url: string; readonly sha256: string }>>;
}

const NATS_VERSION = '2.14.1';
const natsUrl = (arch: string) =>
  `https://github.com/nats-io/nats-server/releases/download/v${NATS_VERSION}/nats-server-v${NATS_VERSION}-linux-${arch}.tar.gz`;

/** The checksums are those that the NATS project's own image for this version checks against (nats-io/nats-docker, 2.14.x/alpine3.22). */
export const NATS_RELEASE: PinnedRelease = {
  version: NATS_VERSION,
  archives: {
    x64: { url: natsUrl('amd64'), sha256: '4638c389af67d4c747f5b3e6a9d363bfe8f6b86de37d7c4ee3a36b283a5c2ce2' },
    arm64: { url: natsUrl('arm64'), sha256: '0bdd20ad850e66a484dcb126f6ce610079520b56d9e8518d099e0864ab8171a1' },
  },
};

export interface ReleaseOptions {
  readonly dataDir: string;
  readonly release: PinnedRelease;
  readonly spec: ServerSpec;
  readonly log: (line: string) => void;
  readonly arch?: string;
}

/** Downloads a pinned release into the data folder. What does not have the pinned checksum is thrown away, never run. */
export function releaseSource(options: ReleaseOptions): BinarySource {
  const { release, spec } = options;
  return {
    name: `download of release ${release.version}`,
    async search(): Promise<SearchResult> {
      const target = join(options.dataDir, 'servers', `${spec.executable}-${release.version}`);
      if (!existsSync(target)) {
        const archive = release.archives[options.arch ?? process.arch];
        if (archive === undefined || process.platform !== 'linux') {
          return { missing: `no pinned archive for ${process.platform} on ${options.arch ?? process.arch}` };
        }
        options.log(`downloading ${archive.url}`);
        const problem = await fetchArchive(archive, target);
        if (problem !== undefined) return { missing: problem };
      }
      return searchFolder(spec, target, 'pinned download');
    },
  };
}

async function fetchArchive(archive: { url: string; sha256: string }, target: string): Promise<string | undefined> {
  const work = `${target}.tmp-${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const response = await fetch(archive.url, { signal: AbortSignal.timeout(120_000) });
    if (!response.ok) return `${archive.url} answered ${response.status}`;
    const bytes = Buffer.from(await response.arrayBuffer());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== archive.sha256) return `${archive.url} has checksum ${sha256}, expected ${archive.sha256}; not used`;
    const file = join(work, 'archive.tar.gz');
    writeFileSync(file, bytes);
    const unpacked = join(work, 'unpacked');
    mkdirSync(unpacked);
    const result = await runCommand('tar', ['-xzf', file, '-C', unpacked, '--strip-components=1']);
    if (result.code !== 0) return `tar failed: ${result.output}`;
    placeFolder(unpacked, target);
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    return `cannot fetch ${archive.url}: ${error instanceof Error ? error.message : String(error)}${cause}`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
