import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { RunningServer } from './nats.ts';
import { spawnServer, waitUntilReady, type Program, type ServerProcess } from './server-process.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/** PostgreSQL's programs; they lie in one folder. */
export interface PostgresPrograms {
  readonly initdb: Program;
  readonly postgres: Program;
}

/**
 * `durable`: what was acknowledged survives a power cut. `test`: nothing is flushed to disk, for databases that live for one test run.
 */
export type PostgresMode = 'durable' | 'test';

export interface PostgresOptions {
  readonly programs: PostgresPrograms;
  /** The cluster; made by initdb when absent. Its parents must be open to `user`. */
  readonly dataDir: string;
  /** File with the superuser's password; generated when absent. */
  readonly passwordFile: string;
  readonly port: number;
  readonly mode: PostgresMode;
  /** The account to run as; undefined means this process's own. */
  readonly user: UnprivilegedUser | undefined;
  readonly logFile?: string;
  /** Variables for the process beside this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told of the process as soon as it exists, before it is ready. */
  readonly onSpawn?: (process: ServerProcess) => void;
  /** Told before initdb, which takes a second or two. */
  readonly onInit?: () => void;
}

/** The superuser of the servers that are started here. */
export const POSTGRES_ADMIN = 'holdfast_admin';

const SETTINGS: Record<PostgresMode, Readonly<Record<string, string>>> = {
  durable: { fsync: 'on', synchronous_commit: 'on', shared_buffers: '256MB', max_wal_size: '2GB' },
  test: {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '128MB',
    max_wal_size: '2GB',
    // A checkpoint forced by each CREATE DATABASE would cost more than copying through the log.
    checkpoint_timeout: '1h',
    autovacuum_naptime: '1h',
  },
};

/** What a server of this mode is started with, wherever it runs. */
export function postgresSettings(mode: PostgresMode): Record<string, string> {
  return {
    ...SETTINGS[mode],
    max_connections: '200',
    // A service whose process was killed in the middle must not hold its locks for ever.
    idle_in_transaction_session_timeout: '60s',
    tcp_keepalives_idle: '30',
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
}

/** What each statement costs, for `holdfast database`. */
export const COUNTED_STATEMENTS = {
  shared_preload_libraries: 'pg_stat_statements',
  // A restart would otherwise write and read the texts.
  'pg_stat_statements.save': 'off',
} as const;

/** Whether the library lies beside these programs: a server that is told to load one that is missing does not start. */
function hasStatementCounts({ postgres }: PostgresPrograms): boolean {
  const prefix = dirname(dirname(postgres.command));
  return ['lib', 'lib/postgresql'].some((folder) =>
    ['so', 'dylib', 'dll'].some((suffix) => existsSync(join(prefix, folder, `pg_stat_statements.${suffix}`))),
  );
}

/** Starts a PostgreSQL on loopback, creating the cluster first when there is none, and waits until a real query answers. */
export async function startPostgres(options: PostgresOptions): Promise<RunningServer> {
  const password = readOrCreatePassword(options.passwordFile);
  if (!existsSync(join(options.dataDir, 'PG_VERSION'))) {
    options.onInit?.();
    await initCluster(options, password);
  }
  const settings = {
    ...postgresSettings(options.mode),
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    ...(hasStatementCounts(options.programs) ? COUNTED_STATEMENTS : {}),
  };
  const server = await spawnServer({
    program: options.programs.postgres,
    args: ['-D', options.dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: '/',
    user: options.user,
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ...(options.env === undefined ? {} : { env: options.env }),
    onSpawn: options.onSpawn,
  });
  const url = `postgres://${POSTGRES_ADMIN}:${password}@127.0.0.1:${options.port}/postgres`;
  await waitUntilReady('PostgreSQL', server, () => pingPostgres(url), 60_000);
  return {
    url,
    port: options.port,
    pid: server.pid,
    process: server,
    // SIGINT is PostgreSQL's "fast" shutdown: sessions are cut, what was committed is flushed. SIGTERM would wait for every client.
    stop: () => server.stop('SIGINT', 20_000),
  };
}

/** Succeeds when a query answers; gives the server's version number, e.g. 180004. */
export async function pingPostgres(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000, query_timeout: 1000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const answer = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    );
    return answer.rows[0]?.version ?? 0;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Made beside its place and renamed at the end: an interrupted initdb leaves a folder that looks like a cluster and is none. */
async function initCluster(options: PostgresOptions, password: string): Promise<void> {
  const work = `${options.dataDir}.new`;
  const passwordCopy = `${work}.pw`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  writeFileSync(passwordCopy, password, { mode: 0o600 });
  if (options.user !== undefined) {
    chownSync(work, options.user.uid, options.user.gid);
    chownSync(passwordCopy, options.user.uid, options.user.gid);
  }
  try {
    const initdb = await spawnServer({
      program: options.programs.initdb,
      args: [
        ...['-D', work, '-U', POSTGRES_ADMIN, `--pwfile=${passwordCopy}`, '--auth=scram-sha-256', '--encoding=UTF8'],
        ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
        ...(options.mode === 'test' ? ['--no-sync'] : []),
      ],
      cwd: '/',
      env: { ...options.env, LC_ALL: 'C' },
      user: options.user,
      onSpawn: options.onSpawn,
    });
    const how = await initdb.exited;
    if (initdb.child.exitCode !== 0) {
      throw new Error(`initdb could not create a cluster in ${options.dataDir}; it ${how}:\n${initdb.tail()}`);
    }
    renameSync(work, options.dataDir);
  } finally {
    rmSync(passwordCopy, { force: true });
    rmSync(work, { recursive: true, force: true });
  }
}

function readOrCreatePassword(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const password = randomBytes(24).toString('hex');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}
