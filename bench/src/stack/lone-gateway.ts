import { fork, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { freePort } from '@holdfast/shared/testing/free-port';
import type { Addresses } from '@holdfast/launcher/src/service-programs.ts';
import { NODE_FLAGS } from '@holdfast/launcher/src/stack.ts';

/** A gateway of its own before a service that has no work of its own; it shares the stack's identity, NATS and Redis. */
export interface LoneGateway {
  readonly gatewayPort: number;
  readonly upstreamPort: number;
  /** By which the gateway says to the upstream who calls. */
  readonly secret: string;
  readonly pids: Readonly<Record<'gateway' | 'upstream', number>>;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const READY_MS = 20_000;
let started: Promise<LoneGateway> | null = null;

/** Starts both once for all benches of a run; they end with this process. */
export function loneGateway(addresses: Addresses): Promise<LoneGateway> {
  return (started ??= start(addresses));
}

async function start(addresses: Addresses): Promise<LoneGateway> {
  const secret = randomBytes(32).toString('base64url');
  const upstream = fork(new URL('../load/idle-service.ts', import.meta.url), {
    // Both log as in production, to nobody, and run with the limits that services run with.
    ...{ stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [...NODE_FLAGS] },
    env: { ...process.env, HOLDFAST_INTERNAL_SECRET: secret },
  });
  endWithUs(upstream);
  const upstreamPort = await new Promise<number>((resolve, reject) => {
    upstream.once('message', (port) => resolve(port as number));
    upstream.once('exit', () => reject(new Error('the upstream ended before it listened')));
  });
  const gatewayPort = await freePort();
  const url = `http://127.0.0.1:${upstreamPort}`;
  const gateway = spawn(process.execPath, [...NODE_FLAGS, 'services/gateway/src/main.ts'], {
    cwd: ROOT,
    stdio: 'ignore',
    env: {
      ...process.env,
      DATABASE_URL: addresses.database.identity,
      NATS_URL: addresses.nats,
      ...(addresses.redis === undefined ? { HOLDFAST_REDIS: 'off' } : { REDIS_URL: addresses.redis }),
      HOLDFAST_INTERNAL_SECRET: secret,
      HOLDFAST_GATEWAY_PORT: String(gatewayPort),
      HOLDFAST_BOOKING_URL: url,
      HOLDFAST_PAYMENT_URL: url,
      HOLDFAST_NOTIFICATION_URL: url,
    },
  });
  endWithUs(gateway);
  await untilReady(`http://127.0.0.1:${gatewayPort}/readyz`, gateway);
  return { gatewayPort, upstreamPort, secret, pids: { gateway: gateway.pid!, upstream: upstream.pid! } };
}

function endWithUs(child: ChildProcess): void {
  process.once('exit', () => child.kill('SIGTERM'));
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the gateway of the bench did not become ready');
}
