import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { bootstrapDatabase, SERVICE_SCHEMAS } from '@holdfast/shared/db/bootstrap';
import { migrateService } from '@holdfast/shared/db/migrate';
import { findNats, findPostgres, findRedis, type SearchContext } from './binaries/find-servers.ts';
import { ServerNotFoundError } from './binaries/server-binaries.ts';
import type { StartConfig } from './config.ts';
import { ROOT } from './data-dir.ts';
import { anyFreePort, choosePort, isPortFree } from './free-port.ts';
import type { Guard } from './guard.ts';
import { pingNats, startNats, type RunningServer } from './nats.ts';
import { PortClaims } from './port-claims.ts';
import { postgresHome } from './postgres-home.ts';
import { pingPostgres, startPostgres } from './postgres.ts';
import type { Progress } from './progress.ts';
import { startRedis } from './redis.ts';
import type { Secrets } from './secrets.ts';
import { spawnServer, waitUntilReady, type ServerProcess } from './server-process.ts';
import { helperPrograms, servicePrograms, type Addresses, type ServiceProgram } from './service-programs.ts';
import {
  identify,
  writeState,
  type ProcessEntry,
  type ProcessIdentity,
  type ProcessName,
  type StackState,
} from './stack-state.ts';
import { Supervisor } from './supervisor.ts';

export interface StackOptions {
  readonly config: StartConfig;
  readonly search: SearchContext;
  readonly secrets: Secrets;
  readonly adminEmail: string;
  readonly adminPassword: string;
  /** Ports of the last start: kept where they are free. */
  readonly previousPorts: Readonly<Record<string, number>>;
  readonly guard: Guard;
  readonly progress: Progress;
}

/** The order of the end: no service loses its servers while it finishes its work. */
const STOP_GROUPS = [
  ['gateway'],
  ['booking', 'payment', 'notification'],
  ['provider', 'mail', 'quoter'],
  ['postgres', 'nats', 'redis'],
];
const SERVICE_GRACE_MS = 10_000;

const HELPERS: Readonly<Record<string, string>> = {
  provider: 'the provider simulator',
  mail: 'the mail catcher',
  quoter: 'the quoter',
};

/** The one database that holds the four schemas. */
const DATABASE = 'holdfast';

/**
 * The heap limit makes V8 collect before a service passes its share of the memory of a small machine. The young generation is bounded
 * too: left alone it grows until the heap stands at its limit, and V8 then collects the whole of it several times a second.
 */
export const NODE_FLAGS = [
  '--max-old-space-size=160',
  '--max-semi-space-size=16',
  '--disable-warning=ExperimentalWarning',
];
/**
 * glibc keeps an arena for each thread and what was freed in it: after a few password hashes (19 MiB each, on four threads) the gateway
 * would hold 80 MB for nothing. Two arenas, and large blocks given back at once.
 */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576', MALLOC_TRIM_THRESHOLD_: '1048576' };

/** Starts a whole stack and keeps it running. */
export class Stack {
  readonly #options: StackOptions;
  readonly #supervisor: Supervisor;
  readonly #stackId = randomUUID();
  readonly #processes: Partial<Record<ProcessName, ProcessEntry | null>> = {};
  readonly #children: Record<string, ProcessIdentity> = {};
  readonly #urls: Partial<Record<string, string>> = {};
  readonly #ports: Record<string, number> = {};
  readonly #reserved = new Set<number>();
  readonly #claims = new PortClaims();
  readonly #startedAt = new Date().toISOString();
  #isStarted = false;

  constructor(options: StackOptions) {
    this.#options = options;
    const { progress } = options;
    this.#supervisor = new Supervisor(options.guard, {
      onReady: (name, pid) => {
        this.#children[name] = identify(pid);
        this.#processes[name as ProcessName] = { url: this.#urls[name] ?? '', pid };
        this.#save();
        if (this.#isStarted) progress.step(`${name} is back (pid ${pid})`);
      },
      onEnded: (name, how) => progress.step(`${name} ${how}; starting it again`),
      onRetry: (name, error, delayMs) =>
        progress.step(`${name} did not start: ${firstLine(error)}; next attempt in ${delayMs / 1000} s`),
    });
  }

  /** Starts everything, in parallel where nothing is waited for. @throws when a part does not start; call `stop` then. */
  async start(): Promise<Addresses> {
    const { config, progress } = this.#options;
    progress.step('looking for the servers');
    const plan = await this.#planServers();
    const addresses = await this.#chooseAddresses();
    const settings = { ...this.#options, addresses, dataDir: this.#options.search.dataDir };

    const helpers = helperPrograms(settings);
    const names = [...helpers.map(({ name }) => HELPERS[name] ?? name), ...plan.names];
    progress.step(`starting ${names.join(', ')}`);
    const [postgresUrl, natsUrl, redisUrl] = await Promise.all([
      plan.postgres(),
      plan.nats(),
      plan.redis(),
      ...helpers.map((program) => this.#startService(program, addresses[program.name])),
    ]);

    progress.step('preparing the database (roles, schemas, migrations)');
    const database = await bootstrapDatabase({
      adminUrl: postgresUrl,
      database: DATABASE,
      passwords: this.#options.secrets.databasePassword,
    });
    await Promise.all(SERVICE_SCHEMAS.map((service) => migrateService({ databaseUrl: database[service], service })));

    progress.step('starting gateway, booking, payment and notification');
    const known: Addresses = { ...addresses, nats: natsUrl, redis: redisUrl, database };
    await Promise.all(
      servicePrograms({ ...settings, config, addresses: known }).map((program) =>
        this.#startService(program, known[program.name]),
      ),
    );
    this.#isStarted = true;
    this.#save();
    return known;
  }

  /** Ends everything it started: services first, then the servers. */
  async stop(): Promise<void> {
    await this.#supervisor.stop(STOP_GROUPS);
    this.#claims.release();
  }

  #save(): void {
    writeState(this.#options.search.dataDir, {
      launcher: identify(process.pid),
      stackId: this.#stackId,
      startedAt: this.#startedAt,
      isUp: this.#isStarted,
      ports: this.#ports,
      children: this.#children,
      processes: this.#isStarted ? withDatabase(this.#processes) : this.#processes,
    });
  }

  async #port(name: string, usual: number, owner: string, asked?: number, variable?: string): Promise<number> {
    const port = await choosePort(
      {
        owner,
        usual,
        asked,
        previous: this.#options.previousPorts[name],
        ...(variable === undefined ? {} : { variable }),
      },
      this.#reserved,
      { isFree: async (port) => (await isPortFree(port)) && this.#claims.claim(port), any: anyFreePort },
    );
    this.#ports[name] = port;
    return port;
  }

  /** Everything but the database URLs and the servers' addresses, which are known once they run. */
  async #chooseAddresses(): Promise<Addresses> {
    const { config } = this.#options;
    const http = async (name: ServiceProgram['name'], usual: number, variable: keyof StartConfig) => {
      const asked = config[variable];
      const port = await this.#port(
        name,
        usual,
        `the ${name} process`,
        typeof asked === 'number' ? asked : undefined,
        variable,
      );
      return `http://127.0.0.1:${port}`;
    };
    return {
      gateway: await http('gateway', 8080, 'HOLDFAST_GATEWAY_PORT'),
      booking: await http('booking', 8081, 'HOLDFAST_BOOKING_PORT'),
      payment: await http('payment', 8082, 'HOLDFAST_PAYMENT_PORT'),
      notification: await http('notification', 8083, 'HOLDFAST_NOTIFICATION_PORT'),
      provider: await http('provider', 8084, 'HOLDFAST_PROVIDER_PORT'),
      mail: await http('mail', 8085, 'HOLDFAST_MAIL_PORT'),
      quoter: await http('quoter', 8086, 'HOLDFAST_QUOTER_PORT'),
      smtp: `smtp://127.0.0.1:${await this.#port('smtp', 8025, 'the mail catcher', config.HOLDFAST_SMTP_PORT, 'HOLDFAST_SMTP_PORT')}`,
      nats: '',
      redis: undefined,
      database: { identity: '', booking: '', payment: '', notification: '' },
    };
  }

  /** Looks for each server and gives functions that start it, or that check the one that the user named, and resolve to its URL. */
  async #planServers() {
    const postgres = await this.#planPostgres();
    const nats = await this.#planNats();
    const redis = await this.#planRedis();
    const names = [postgres.name, nats.name, redis.name].filter((name) => name !== undefined);
    return { names, postgres: postgres.run, nats: nats.run, redis: redis.run };
  }

  async #planPostgres() {
    const { config, search, progress } = this.#options;
    const given = config.HOLDFAST_POSTGRES_ADMIN_URL;
    if (given !== undefined) {
      return {
        name: undefined,
        run: async () => {
          const version = await external('PostgreSQL', 'HOLDFAST_POSTGRES_ADMIN_URL', () => pingPostgres(given));
          if (version < 180_000) {
            throw new Error('the server at HOLDFAST_POSTGRES_ADMIN_URL is older than PostgreSQL 18, which is needed');
          }
          this.#processes.postgres = { url: given, pid: null };
          return given;
        },
      };
    }
    const found = await findPostgres(search);
    progress.detail(`PostgreSQL ${found.version}: ${found.source}`);
    const home = await postgresHome(search.dataDir, found, search.user, (line) => progress.detail(line));
    const port = await this.#port('postgres', 5432, 'PostgreSQL');
    return {
      name: 'PostgreSQL',
      run: () =>
        this.#startServer('postgres', 'SIGINT', (onSpawn) =>
          startPostgres({
            programs: home.programs,
            dataDir: join(home.dir, 'postgres'),
            passwordFile: join(search.dataDir, 'postgres-password'),
            port,
            mode: 'durable',
            user: search.user,
            onInit: () => progress.detail('creating a PostgreSQL cluster (first start only)'),
            ...this.#common('postgres', onSpawn),
          }),
        ),
    };
  }

  async #planNats() {
    const { config, search, progress } = this.#options;
    const given = config.NATS_URL;
    if (given !== undefined) {
      return {
        name: undefined,
        run: async () => {
          await external('NATS', 'NATS_URL', () => pingNats(given));
          this.#processes.nats = { url: given, pid: null };
          return given;
        },
      };
    }
    const found = await findNats(search);
    progress.detail(`NATS ${found.version}: ${found.source}`);
    const port = await this.#port('nats', 4222, 'NATS');
    const monitorPort = await this.#port('nats-monitor', 8222, 'the NATS monitoring pages');
    const { program } = found;
    const dataDir = join(search.dataDir, 'nats');
    return {
      name: 'NATS',
      run: () =>
        this.#startServer('nats', 'SIGTERM', (onSpawn) =>
          startNats({ program, dataDir, port, monitorPort, ...this.#common('nats', onSpawn) }),
        ),
    };
  }

  async #planRedis() {
    const { config, search, progress } = this.#options;
    const without = async (): Promise<string | undefined> => {
      this.#processes.redis = null;
      return undefined;
    };
    if (config.HOLDFAST_REDIS === 'off') {
      progress.detail('Redis: none, as HOLDFAST_REDIS=off says');
      return { name: undefined, run: without };
    }
    const given = config.REDIS_URL;
    if (given !== undefined) {
      return {
        name: undefined,
        run: async (): Promise<string | undefined> => {
          // Not checked: Redis is optional, and the services must do without it whenever it is away.
          this.#processes.redis = { url: given, pid: null };
          return given;
        },
      };
    }
    const found = await findRedis(search);
    if (found instanceof ServerNotFoundError) {
      progress.detail('Redis: none found, running without (slower under load, nothing else changes)');
      for (const line of found.message.split('\n').slice(1)) progress.detail(line);
      return { name: undefined, run: without };
    }
    progress.detail(`Redis ${found.version}: ${found.source}`);
    const port = await this.#port('redis', 6379, 'Redis');
    const { program } = found;
    const dataDir = join(search.dataDir, 'redis');
    return {
      name: 'Redis',
      run: (): Promise<string | undefined> =>
        this.#startServer('redis', 'SIGTERM', (onSpawn) =>
          startRedis({ program, dataDir, port, ...this.#common('redis', onSpawn) }),
        ),
    };
  }

  #common(name: string, onSpawn: (process: ServerProcess) => void) {
    return { logFile: this.#logFile(name), env: { HOLDFAST_STACK_ID: this.#stackId }, onSpawn };
  }

  #logFile(name: string): string {
    return join(this.#options.search.dataDir, 'logs', `${name}.log`);
  }

  async #startServer(
    name: ProcessName,
    stopSignal: NodeJS.Signals,
    start: (onSpawn: (process: ServerProcess) => void) => Promise<RunningServer>,
  ): Promise<string> {
    await this.#supervisor.add({
      name,
      kind: 'server',
      stopSignal,
      graceMs: 20_000,
      start: async (onSpawn) => {
        const server = await start(onSpawn);
        this.#urls[name] = server.url;
        return server.process;
      },
    });
    return this.#urls[name] ?? '';
  }

  async #startService(program: ServiceProgram, url: string): Promise<void> {
    this.#urls[program.name] = url;
    await this.#supervisor.add({
      name: program.name,
      kind: 'worker',
      stopSignal: 'SIGTERM',
      graceMs: SERVICE_GRACE_MS,
      start: async (onSpawn) => {
        const server = await spawnServer({
          program: { command: process.execPath },
          args: [...NODE_FLAGS, program.main],
          cwd: ROOT,
          env: {
            ...program.env,
            ...ALLOCATOR,
            HOLDFAST_STACK_ID: this.#stackId,
            NODE_COMPILE_CACHE: join(this.#options.search.dataDir, 'compile-cache'),
          },
          logFile: this.#logFile(program.name),
          onSpawn,
        });
        await waitUntilReady(program.name, server, () => isReady(url), 60_000);
        return server;
      },
    });
  }
}

async function isReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`/readyz answers ${response.status}: ${body.slice(0, 500)}`);
}

async function external<T>(name: string, variable: string, ping: () => Promise<T>): Promise<T> {
  try {
    return await ping();
  } catch (error) {
    throw new Error(
      `the ${name} server that ${variable} names cannot be used: ${firstLine(error)}. Start it, correct ${variable}, or unset it to have one started.`,
      { cause: error },
    );
  }
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message || error.name : String(error)).split('\n')[0];

/** Whoever asks for the state wants to look at Holdfast's tables, so the administrator's URL leads to its database. */
function withDatabase(processes: StackState['processes']): StackState['processes'] {
  if (!processes.postgres) return processes;
  const url = new URL(processes.postgres.url);
  url.pathname = `/${DATABASE}`;
  return { ...processes, postgres: { ...processes.postgres, url: url.href } };
}
