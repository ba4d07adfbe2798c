import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findNats, findPostgres, findRedis, type SearchContext } from '@holdfast/launcher/src/binaries/find-servers.ts';
import { openDataDir } from '@holdfast/launcher/src/data-dir.ts';
import type { Guard } from '@holdfast/launcher/src/guard.ts';
import { releaseLauncherLock, takeLauncherLock } from '@holdfast/launcher/src/launcher-lock.ts';
import { startNats, type RunningServer } from '@holdfast/launcher/src/nats.ts';
import { postgresHome } from '@holdfast/launcher/src/postgres-home.ts';
import type { Progress } from '@holdfast/launcher/src/progress.ts';
import { openSecrets } from '@holdfast/launcher/src/secrets.ts';
import type { Addresses } from '@holdfast/launcher/src/service-programs.ts';
import { readState } from '@holdfast/launcher/src/stack-state.ts';
import { Stack } from '@holdfast/launcher/src/stack.ts';
import { unprivilegedUser } from '@holdfast/launcher/src/unprivileged-user.ts';
import { freePort } from '@holdfast/shared/testing/free-port';
import type { BenchConfig } from '../config.ts';

/** A whole stack in production configuration, in a data folder of its own. */
export interface BenchStack {
  readonly addresses: Addresses;
  /** Superuser URL of the stack's database. */
  readonly adminUrl: string;
  /** The key that signs callbacks of the provider. */
  readonly webhookSecret: string;
  readonly adminLogin: { readonly email: string; readonly password: string };
  /** Starts another NATS server beside the stack's, with a store of its own; it ends with the stack. */
  startBroker(): Promise<RunningServer>;
  /** Pid of each process, for its memory. */
  pids(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

const ADMIN_EMAIL = 'admin@bench.example';

/**
 * Starts the stack that the benches load: the launcher's own, with the same durable PostgreSQL, on ports that are free and with
 * an empty database. A stack that runs from this checkout is not touched. @throws when another bench runs.
 */
export async function startBenchStack(config: BenchConfig, guard: Guard, progress: Progress): Promise<BenchStack> {
  const mainDir = openDataDir(config.HOLDFAST_DATA_DIR);
  const dataDir = join(mainDir, 'bench');
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const holder = takeLauncherLock(dataDir);
  if (holder !== undefined) throw new Error(`another bench runs from this checkout (pid ${holder.pid})`);
  const log = (line: string) => progress.detail(line);
  const search: SearchContext = { dataDir, variables: config, user: unprivilegedUser(), log };
  const brokers: RunningServer[] = [];
  const stop = async (stack?: Stack) => {
    await Promise.all(brokers.map((broker) => broker.stop()));
    await stack?.stop();
    await removeData(search);
    releaseLauncherLock(dataDir);
  };
  try {
    shareServers(mainDir, dataDir);
    // What a bench that was killed left behind would be measured along.
    await removeData(search);
    openDataDir(dataDir);
    const { secrets } = openSecrets(dataDir);
    const stack = new Stack({
      config: { ...config, HOLDFAST_REDIS: 'auto', ...ANY_PORTS },
      ...{ search, secrets, guard, progress, previousPorts: {} },
      adminEmail: ADMIN_EMAIL,
      adminPassword: secrets.adminPassword,
    });
    try {
      const addresses = await stack.start();
      const state = readState(dataDir);
      const adminUrl = new URL(state?.processes.postgres?.url ?? '');
      adminUrl.pathname = '/holdfast';
      return {
        addresses,
        adminUrl: adminUrl.href,
        webhookSecret: secrets.webhookSecret,
        adminLogin: { email: ADMIN_EMAIL, password: secrets.adminPassword },
        async startBroker() {
          const { program } = await findNats(search);
          const options = {
            program,
            dataDir: join(dataDir, 'nats', `beside-${brokers.length}`),
            port: await freePort(),
          };
          const broker = await startNats(options);
          brokers.push(broker);
          return broker;
        },
        pids: () => pidsOf(dataDir),
        stop: () => stop(stack),
      };
    } catch (error) {
      await stack.stop();
      throw error;
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

const ANY_PORTS = {
  ...{ HOLDFAST_GATEWAY_PORT: 0, HOLDFAST_BOOKING_PORT: 0, HOLDFAST_PAYMENT_PORT: 0, HOLDFAST_NOTIFICATION_PORT: 0 },
  ...{ HOLDFAST_PROVIDER_PORT: 0, HOLDFAST_MAIL_PORT: 0, HOLDFAST_SMTP_PORT: 0 },
};

/** Server programs that were downloaded for `npm start` or `npm test` serve here too. */
function shareServers(mainDir: string, dataDir: string): void {
  for (const folder of ['servers', 'apt']) {
    mkdirSync(join(mainDir, folder), { recursive: true });
    rmSync(join(dataDir, folder), { recursive: true, force: true });
    symlinkSync(join(mainDir, folder), join(dataDir, folder));
  }
}

async function removeData(search: SearchContext): Promise<void> {
  const { dataDir, user, log } = search;
  const home = await postgresHome(dataDir, await findPostgres(search), user, () => undefined).catch(() => undefined);
  if (home === undefined) log('PostgreSQL was not found, so its old data stays');
  else rmSync(join(home.dir, 'postgres'), { recursive: true, force: true });
  for (const name of ['postgres', 'postgres-password', 'nats', 'redis', 'provider', 'logs', 'stack.json']) {
    rmSync(join(dataDir, name), { recursive: true, force: true });
  }
}

function pidsOf(dataDir: string): ReadonlyMap<string, number> {
  const processes = readState(dataDir)?.processes ?? {};
  return new Map(Object.entries(processes).flatMap(([name, entry]) => (entry?.pid ? [[name, entry.pid]] : [])));
}

/** Versions of the servers that the stack runs on. */
export async function serverVersions(config: BenchConfig): Promise<Record<string, string>> {
  const search: SearchContext = {
    dataDir: openDataDir(config.HOLDFAST_DATA_DIR),
    variables: config,
    user: unprivilegedUser(),
    log: () => undefined,
  };
  const redis = await findRedis(search);
  return {
    postgres: (await findPostgres(search)).version,
    nats: (await findNats(search)).version,
    redis: 'version' in redis ? redis.version : 'none',
  };
}
