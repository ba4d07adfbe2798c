import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapDatabase, SERVICE_SCHEMAS, type ServiceSchema } from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import pg from 'pg';
import { findNats, findPostgres, findRedis, type SearchContext } from './binaries/find-servers.ts';
import { ServerNotFoundError } from './binaries/server-binaries.ts';
import { anyFreePort } from './free-port.ts';
import type { Guard } from './guard.ts';
import { killProcessesWithVariable } from './leftover-processes.ts';
import { postgresHome } from './postgres-home.ts';
import { startPostgres, type PostgresMode } from './postgres.ts';
import { isProcessAlive } from './process-alive.ts';
import type { Progress } from './progress.ts';

export interface TestServers {
  /** What test files need to know, as environment variables; see `packages/shared/src/testing`. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface TestServersOptions {
  readonly allowBrokenMigrations: boolean;
  readonly inContainers: boolean;
  /**
   * `test` neither flushes nor waits for its log, which is quick, and forgets the last commits when one of its processes is killed:
   * whoever does that to it needs `durable`.
   */
  readonly postgresMode: PostgresMode;
}

const TEMPLATE = 'holdfast_template';

/**
 * Starts what all test files share: one PostgreSQL of its own, thrown away at the end, with a migrated template
 * database. NATS and Redis are only looked up: a test file that needs one starts its own, which takes a tenth of a second.
 */
export async function startTestServers(
  context: SearchContext,
  guard: Guard,
  progress: Progress,
  options: TestServersOptions,
): Promise<TestServers> {
  const scratchRuns = join(context.dataDir, 'test');
  mkdirSync(scratchRuns, { recursive: true, mode: 0o711 });
  removeDeadRuns(scratchRuns);
  // The name carries the pid, so that a later run can tell what a killed one left behind.
  const run = `run-${process.pid}-${randomBytes(3).toString('hex')}`;
  const scratch = join(scratchRuns, run);
  mkdirSync(scratch, { recursive: true, mode: 0o711 });
  const servers = options.inContainers
    ? await containerServers(scratch, progress)
    : await localServers(context, guard, progress, { run, scratch, postgresMode: options.postgresMode });
  const stop = async () => {
    // A test that failed half-way, or a killed jest, may leave its servers and services running.
    killProcessesWithVariable('HOLDFAST_TEST_DIR', scratch);
    await servers.stop();
    rmSync(scratch, { recursive: true, force: true });
  };

  try {
    progress.step(`migrating the template database (${SERVICE_SCHEMAS.join(', ')})`);
    const password = randomBytes(12).toString('hex');
    const broken = await createTemplate(servers.postgresUrl, password);
    for (const line of broken) progress.detail(line);
    if (broken.length > 0 && !options.allowBrokenMigrations) throw new Error('the migrations above must work first');
    return {
      env: {
        HOLDFAST_TEST_POSTGRES_URL: servers.postgresUrl,
        HOLDFAST_TEST_TEMPLATE: TEMPLATE,
        HOLDFAST_TEST_DB_PASSWORD: password,
        HOLDFAST_TEST_NATS_SERVER: JSON.stringify(servers.nats),
        ...(servers.redis === null ? {} : { HOLDFAST_TEST_REDIS_SERVER: JSON.stringify(servers.redis) }),
        HOLDFAST_TEST_DIR: scratch,
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A PostgreSQL that runs, and how a test file starts its NATS and its Redis. */
interface SharedServers {
  readonly postgresUrl: string;
  readonly nats: object;
  readonly redis: object | null;
  stop(): Promise<void>;
}

async function containerServers(scratch: string, progress: Progress): Promise<SharedServers> {
  progress.step('starting a PostgreSQL for the tests in a container');
  // Only then: the package is large, and most runs do without it.
  const { startTestContainers } = await import('./containers/test-containers.ts');
  const { IMAGES } = await import('./containers/images.ts');
  const containers = await startTestContainers(scratch);
  progress.detail(`containers of ${Object.values(IMAGES).join(', ')}`);
  return containers;
}

async function localServers(
  context: SearchContext,
  guard: Guard,
  progress: Progress,
  { run, scratch, postgresMode }: { run: string; scratch: string; postgresMode: PostgresMode },
): Promise<SharedServers> {
  const found = await findPostgres(context);
  const nats = await findNats(context);
  const redis = await findRedis(context);
  progress.detail(`PostgreSQL ${found.version}: ${found.source}`);
  progress.detail(`NATS ${nats.version}: ${nats.source}`);
  progress.detail(redis instanceof ServerNotFoundError ? redis.message : `Redis ${redis.version}: ${redis.source}`);

  const home = await postgresHome(context.dataDir, found, context.user, (line) => progress.detail(line));
  const postgresRuns = join(home.dir, 'test');
  const postgresDir = join(postgresRuns, run);
  mkdirSync(postgresDir, { recursive: true, mode: 0o711 });
  removeDeadRuns(postgresRuns);

  progress.step('starting a PostgreSQL for the tests');
  const postgres = await startPostgres({
    programs: home.programs,
    dataDir: join(postgresDir, 'postgres'),
    passwordFile: join(scratch, 'postgres-password'),
    port: await anyFreePort(),
    mode: postgresMode,
    user: context.user,
    logFile: join(context.dataDir, 'logs', 'test-postgres.log'),
  });
  guard.add(postgres.pid, 'server');
  return {
    postgresUrl: postgres.url,
    nats: nats.program,
    redis: redis instanceof ServerNotFoundError ? null : redis.program,
    async stop() {
      await postgres.stop();
      guard.remove(postgres.pid);
      rmSync(postgresDir, { recursive: true, force: true });
    },
  };
}

/** @returns a line for each service whose migrations fail: the tests of the others can still run. */
async function createTemplate(adminUrl: string, password: string): Promise<string[]> {
  const passwords = {
    identity: password,
    booking: password,
    payment: password,
    notification: password,
    test: password,
  };
  const urls = await bootstrapDatabase({ adminUrl, database: TEMPLATE, passwords });
  const broken: string[] = [];
  const migrate = async (service: ServiceSchema) => {
    try {
      await migrateService({ databaseUrl: urls[service], service });
    } catch (error) {
      broken.push(`the migrations of ${service} fail: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await Promise.all(SERVICE_SCHEMAS.map(migrate));
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    // A template cannot be copied while somebody is connected to it.
    await client.query(`alter database ${TEMPLATE} with is_template true allow_connections false`);
  } finally {
    await client.end();
  }
  return broken;
}

function removeDeadRuns(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^run-(\d+)-/.exec(name)?.[1]);
    if (!Number.isInteger(pid) || isProcessAlive(pid)) continue;
    killProcessesWithVariable('HOLDFAST_TEST_DIR', join(folder, name));
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}
