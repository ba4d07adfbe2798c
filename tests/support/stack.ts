import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@holdfast/shared/testing/free-port';
import { startServiceProcess, type ServiceName, type ServiceProcess } from '@holdfast/shared/testing/service-process';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { startTestRedis, type TestRedis } from '@holdfast/shared/testing/test-redis';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** The processes that a stack may have; `booking2` is a second replica of booking, which the gateway does not know. */
export type Part = 'gateway' | 'booking' | 'booking2' | 'payment' | 'notification' | 'provider' | 'mail' | 'quoter';

export const WHOLE_PATH: readonly Part[] = ['provider', 'mail', 'gateway', 'booking', 'payment', 'notification'];

/** Connections that a proxy can stand in: of all services to a server, of payment to the provider, of the gateway to a service. */
export type Link = 'nats' | 'redis' | 'provider' | 'booking' | 'payment';

export interface StackOptions {
  readonly parts: readonly Part[];
  /** Added to the environment of each part that is named. */
  readonly env?: Partial<Record<Part, Readonly<Record<string, string>>>>;
  /** Puts a proxy that can be cut between the services and PostgreSQL, which is shared with other test files. */
  readonly cuttableDatabase?: boolean;
  /** Puts a proxy into each of these connections as well. */
  readonly cuttable?: readonly Link[];
  /** Starts a Redis and tells the services of it. */
  readonly redis?: boolean;
  /** Called when the servers run and before the parts start, with the servers' addresses. */
  readonly onServers?: (servers: { readonly nats: string; readonly redis: string | null }) => void | Promise<void>;
}

/** One deployment of Holdfast for one test file: servers of its own, each service a process of its own. */
export interface Stack {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  readonly redis: TestRedis | null;
  readonly databaseProxy: TcpProxy | null;
  /** The proxies of `cuttable`. */
  readonly links: ReadonlyMap<Link, TcpProxy>;
  readonly internalSecret: string;
  readonly providerKey: string;
  /** What else must never be written down: passwords of the database, the provider's key, the key of callbacks. */
  readonly secrets: readonly string[];
  readonly admin: { readonly email: string; readonly password: string };
  readonly parts: readonly Part[];
  /** Address of a part; it stays the same when the part is restarted. */
  url(part: Part): string;
  /** The part's present process. */
  process(part: Part): ServiceProcess;
  /**
   * Ends the part's process if it runs and starts another on its port, with `env` on top of its usual environment. Without `waitForReady`
   * it resolves as soon as the process exists: for one that may die while it starts.
   */
  restart(
    part: Part,
    env?: Readonly<Record<string, string>>,
    options?: { readonly waitForReady?: boolean },
  ): Promise<ServiceProcess>;
  stop(): Promise<void>;
}

const INTERNAL_SECRET = 'an-internal-secret-for-tests-alone-0123456789';
const WEBHOOK_SECRET = 'whsec_for_tests_alone_0123456789';
const PROVIDER_KEY = 'sk_test_for_tests_alone_0123456789';
const QUOTER_SECRET = 'tests:a-quoter-secret-for-tests-alone';
const ADMIN = { email: 'admin@holdfast.test', password: 'a password for tests' };

const SERVICE_OF: Readonly<Record<Part, ServiceName>> = {
  gateway: 'gateway',
  booking: 'booking',
  booking2: 'booking',
  payment: 'payment',
  notification: 'notification',
  provider: 'provider-simulator',
  mail: 'mail-catcher',
  quoter: 'quoter',
};

/** Starts servers and parts, all parts at once, and resolves when each is ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = mkdtempSync(join(testEnvironment().HOLDFAST_TEST_DIR, 'stack-'));
  const [database, nats, redis, ...numbers] = await Promise.all([
    createTestDatabase(),
    startTestNats(),
    options.redis === true ? startTestRedis() : null,
    ...Array.from({ length: 9 }, () => freePort()),
  ]);
  const [gateway, booking, booking2, payment, notification, provider, mail, smtp, quoter] = numbers as PortNumbers;
  const ports: Record<Part, number> = { gateway, booking, booking2, payment, notification, provider, mail, quoter };
  const url = (part: Part) => `http://127.0.0.1:${ports[part]}`;

  const postgres = new URL(database.adminUrl);
  const databaseProxy =
    options.cuttableDatabase === true
      ? await startTcpProxy({ host: postgres.hostname, port: Number(postgres.port) })
      : null;
  const links = new Map<Link, TcpProxy>();
  const targets: Record<Link, number> = { nats: nats.port, redis: redis?.port ?? 0, provider, booking, payment };
  for (const link of options.cuttable ?? []) {
    links.set(link, await startTcpProxy({ host: '127.0.0.1', port: targets[link] }));
  }
  /** The address over the link's proxy, if it has one. */
  const over = (link: Link, direct: string) => {
    const proxy = links.get(link);
    return proxy === undefined ? direct : direct.replace(`:${targets[link]}`, `:${proxy.port}`);
  };
  const databaseUrl = (schema: 'identity' | 'booking' | 'payment' | 'notification') => {
    const direct = new URL(database.url(schema));
    if (databaseProxy) direct.port = String(databaseProxy.port);
    return direct.href;
  };
  const common = (schema: Parameters<typeof databaseUrl>[0]) => ({
    DATABASE_URL: databaseUrl(schema),
    NATS_URL: over('nats', nats.url),
    HOLDFAST_INTERNAL_SECRET: INTERNAL_SECRET,
    ...(redis ? { REDIS_URL: over('redis', redis.url) } : { HOLDFAST_REDIS: 'off' }),
  });
  // Told of the quoter only where there is one.
  const quoting: Record<string, string> = options.parts.includes('quoter')
    ? { HOLDFAST_QUOTER_URL: `${url('quoter')}/quotes`, HOLDFAST_QUOTER_SECRETS: QUOTER_SECRET }
    : {};
  const environment: Record<Part, Readonly<Record<string, string>>> = {
    gateway: {
      ...common('identity'),
      HOLDFAST_GATEWAY_PORT: String(gateway),
      HOLDFAST_BOOKING_URL: over('booking', url('booking')),
      HOLDFAST_PAYMENT_URL: over('payment', url('payment')),
      HOLDFAST_NOTIFICATION_URL: url('notification'),
      HOLDFAST_ADMIN_EMAIL: ADMIN.email,
      HOLDFAST_ADMIN_PASSWORD: ADMIN.password,
      HOLDFAST_RATE_LIMIT_SCALE: '1000',
    },
    booking: { ...common('booking'), ...quoting, HOLDFAST_BOOKING_PORT: String(booking) },
    booking2: { ...common('booking'), ...quoting, HOLDFAST_BOOKING_PORT: String(booking2) },
    payment: {
      ...common('payment'),
      HOLDFAST_PAYMENT_PORT: String(payment),
      STRIPE_API_KEY: PROVIDER_KEY,
      STRIPE_API_BASE: over('provider', url('provider')),
      HOLDFAST_STRIPE_WEBHOOK_SECRETS: WEBHOOK_SECRET,
    },
    notification: {
      ...common('notification'),
      HOLDFAST_NOTIFICATION_PORT: String(notification),
      HOLDFAST_SMTP_URL: `smtp://127.0.0.1:${smtp}`,
      HOLDFAST_PUBLIC_URL: url('gateway'),
      HOLDFAST_WEBHOOK_DEVELOPMENT_TARGETS: '127.0.0.1',
    },
    provider: {
      HOLDFAST_PROVIDER_PORT: String(provider),
      HOLDFAST_SIMULATOR_DATA_DIR: join(dir, 'provider'),
      HOLDFAST_SIMULATOR_CALLBACK_URL: `${url('gateway')}/v1/webhooks/stripe`,
      HOLDFAST_SIMULATOR_WEBHOOK_SECRET: WEBHOOK_SECRET,
      HOLDFAST_SIMULATOR_API_KEY: PROVIDER_KEY,
    },
    quoter: { HOLDFAST_QUOTER_PORT: String(quoter), HOLDFAST_QUOTER_SECRETS: QUOTER_SECRET },
    mail: { HOLDFAST_MAIL_PORT: String(mail), HOLDFAST_SMTP_PORT: String(smtp) },
  };

  const processes = new Map<Part, ServiceProcess>();
  const start = async (part: Part, extra: Readonly<Record<string, string>> = {}, waitForReady = true) => {
    const env = { ...environment[part], ...options.env?.[part], ...extra };
    const started = await startServiceProcess({ service: SERVICE_OF[part], env, waitForReady });
    processes.set(part, started);
    return started;
  };
  const process = (part: Part) => {
    const found = processes.get(part);
    if (!found) throw new Error(`this stack was started without ${part}`);
    return found;
  };
  const stop = async () => {
    await Promise.all([...processes.values()].map((started) => started.kill()));
    for (const proxy of [databaseProxy, ...links.values()]) proxy?.stop();
    await Promise.all([nats.stop(), redis?.stop()]);
    await database.drop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await options.onServers?.({ nats: nats.url, redis: redis?.url ?? null });
    const started = await Promise.allSettled(options.parts.map((part) => start(part)));
    for (const result of started) if (result.status === 'rejected') throw result.reason;
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    database,
    nats,
    redis,
    databaseProxy,
    links,
    internalSecret: INTERNAL_SECRET,
    providerKey: PROVIDER_KEY,
    secrets: [testEnvironment().HOLDFAST_TEST_DB_PASSWORD, PROVIDER_KEY, WEBHOOK_SECRET],
    admin: ADMIN,
    parts: options.parts,
    url,
    process,
    async restart(part, env, { waitForReady } = {}) {
      await process(part).kill();
      return start(part, env, waitForReady);
    },
    stop,
  };
}

type PortNumbers = [number, number, number, number, number, number, number, number, number];
