import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPool, type Pool } from '@holdfast/shared/db/pool';
import { ASSERTION_HEADER, signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { startServiceProcess, type ServiceProcess } from '@holdfast/shared/testing/service-process';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import { testEnvironment } from '@holdfast/shared/testing/test-environment';
import { startTestNats, type TestNats } from '@holdfast/shared/testing/test-nats';
import { openBookingSide, type BookingSide, type Checkout } from './booking-side.ts';
import { openCallbackDoor, testCaller, type CallbackDoor } from './callback-door.ts';

export const API_KEY = 'sk_test_payment_world';
export const INTERNAL_SECRET = 'internal-secret-of-the-payment-tests';
export const WEBHOOK_SECRET = 'whsec_payment_world_current';
export const FORMER_WEBHOOK_SECRET = 'whsec_payment_world_former';

/** An effect at the provider, as its own witness tells it. */
export interface Effect {
  readonly seq: number;
  readonly kind: string;
  readonly payment_intent: string;
  readonly amount: number;
}

/** The payment service as a process of its own between real PostgreSQL, NATS and the provider simulator, with the test as booking service. */
export interface PaymentWorld {
  readonly database: TestDatabase;
  readonly nats: TestNats;
  readonly simulator: ServiceProcess;
  readonly door: CallbackDoor;
  readonly booking: BookingSide;
  /** The service's own role, to read state back. */
  readonly pool: Pool;
  /** Starts another payment service process; callbacks go to the newest. */
  startPayment(env?: Record<string, string>): Promise<ServiceProcess>;
  /** Ends every payment service that runs. */
  stopPayments(signal?: NodeJS.Signals): Promise<void>;
  /** What the provider really did for a booking, in order; its callbacks left out. */
  effects(checkout: Checkout): Promise<string[]>;
  get(service: ServiceProcess, path: string, caller?: Partial<Caller>): Promise<Response>;
  /** Posts JSON, under an Idempotency-Key unless that is null. */
  post(
    service: ServiceProcess,
    path: string,
    request: { caller?: Partial<Caller>; key: string | null; body: unknown },
  ): Promise<Response>;
  stop(): Promise<void>;
}

export async function openPaymentWorld(): Promise<PaymentWorld> {
  const database = await createTestDatabase();
  const nats = await startTestNats();
  const door = await openCallbackDoor(INTERNAL_SECRET);
  const dataDir = mkdtempSync(join(testEnvironment().HOLDFAST_TEST_DIR, 'simulator-'));
  const simulator = await startServiceProcess({
    service: 'provider-simulator',
    env: {
      HOLDFAST_SIMULATOR_DATA_DIR: dataDir,
      HOLDFAST_SIMULATOR_CALLBACK_URL: door.url,
      HOLDFAST_SIMULATOR_WEBHOOK_SECRET: WEBHOOK_SECRET,
      HOLDFAST_SIMULATOR_API_KEY: API_KEY,
      HOLDFAST_SIMULATOR_LATENCY_MS: '1',
    },
  });
  const booking = await openBookingSide(nats.url);
  const logger = createLogger({ service: 'payment-test', level: 'silent' });
  const pool = createPool({
    connectionString: database.url('payment'),
    schema: 'payment',
    max: 4,
    logger,
    applicationName: 'payment-test',
  });
  const services: ServiceProcess[] = [];
  const stopPayments = async (signal: NodeJS.Signals = 'SIGKILL') => {
    await Promise.all(services.splice(0).map((service) => service.kill(signal)));
  };

  return {
    database,
    nats,
    simulator,
    door,
    booking,
    pool,
    async startPayment(env = {}) {
      const service = await startServiceProcess({
        service: 'payment',
        env: {
          DATABASE_URL: database.url('payment'),
          NATS_URL: nats.url,
          HOLDFAST_INTERNAL_SECRET: INTERNAL_SECRET,
          STRIPE_API_KEY: API_KEY,
          STRIPE_API_BASE: simulator.url,
          HOLDFAST_STRIPE_WEBHOOK_SECRETS: `${WEBHOOK_SECRET},${FORMER_WEBHOOK_SECRET}`,
          HOLDFAST_PROVIDER_TIMEOUT_MS: '1000',
          HOLDFAST_PAYMENT_FIRST_LOOK_MS: '300',
          HOLDFAST_PROVIDER_BREAK_MS: '500',
          ...env,
        },
      });
      services.push(service);
      door.forwardTo(service.url);
      return service;
    },
    stopPayments,
    async effects(checkout) {
      const response = await fetch(`${simulator.url}/simulator/effects?booking_id=${checkout.bookingId}`);
      const kinds = ((await response.json()) as Effect[]).map((effect) => effect.kind);
      return kinds.filter((kind) => !kind.startsWith('callback_'));
    },
    get: (service, path, caller) =>
      fetch(`${service.url}${path}`, {
        headers: { [ASSERTION_HEADER]: signAssertion(INTERNAL_SECRET, testCaller(caller)) },
      }),
    post: (service, path, { caller, key, body }) =>
      fetch(`${service.url}${path}`, {
        method: 'POST',
        headers: {
          [ASSERTION_HEADER]: signAssertion(INTERNAL_SECRET, testCaller(caller)),
          'content-type': 'application/json',
          ...(key === null ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
      }),
    async stop() {
      door.forwardTo(null);
      await stopPayments('SIGTERM');
      await booking.close();
      await simulator.kill();
      await door.stop();
      await pool.end();
      await nats.stop();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
