import http from 'node:http';
import { createSealer } from '@holdfast/shared/secrets/sealed-text';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
import pg from 'pg';
import type { Config } from '../config.ts';
import { readPolicies } from '../rate-limit/policy-rules.ts';
import { buildService, type GatewayService } from '../service.ts';
import { startFakeService, type FakeService } from './fake-service.ts';

export const INTERNAL_SECRET = 'an internal secret of the tests, long enough';
export const ADMIN = { email: 'admin@example.com', password: 'the admin password' };

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
  /** The body as JSON; empty when it is something else. */
  readonly json: AnswerJson;
}

/** The fields that tests look into. What an answer does not have is undefined, which a test then sees. */
export interface AnswerJson {
  readonly access_token: string;
  readonly code: string;
  readonly data: readonly unknown[];
  readonly errors: readonly { readonly pointer: string }[];
  readonly keys: readonly unknown[];
  readonly openapi: string;
  readonly refresh_token: string;
  readonly request_id: string;
  readonly retryable: boolean;
  readonly csrf_token: string;
  readonly user: { readonly id: string; readonly role: string; readonly email_verified: boolean };
}

export interface Call {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Record<string, string | string[]>;
  /** JSON; use `raw` for anything else. */
  readonly body?: unknown;
  readonly raw?: string | Buffer;
}

export interface TestGateway {
  readonly database: TestDatabase;
  readonly booking: FakeService;
  readonly payment: FakeService;
  readonly service: GatewayService;
  readonly port: number;
  readonly call: (path: string, call?: Call) => Promise<Answer>;
  /** Registers a new customer and gives its tokens. */
  signUp(name?: string): Promise<{ access: string; refresh: string; userId: string; email: string; password: string }>;
  /** Reads the database of identity. */
  rows<R extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<R[]>;
  /** The newest token that a mail to this address would bring, out of the event that is on its way to notification. */
  mailedToken(email: string, event: 'email_verification_requested' | 'password_reset_requested'): Promise<string>;
  stop(): Promise<void>;
}

/** A gateway on a database of its own, in front of fake services. */
export async function startTestGateway(overrides: Partial<Config> = {}): Promise<TestGateway> {
  const database = await createTestDatabase();
  const booking = await startFakeService();
  const payment = await startFakeService();
  const gateway = await startGatewayOn(database, { booking: booking.url, payment: payment.url }, overrides);
  let people = 0;
  const rows: TestGateway['rows'] = (sql, values = []) => readRows(database, sql, values);
  return {
    rows,
    async mailedToken(email, event) {
      const found = await rows<{ data: { sealed_token: string } }>(
        `select payload::jsonb -> 'data' as data
           from outbox
          where payload::jsonb ->> 'type' = $1
            and payload::jsonb -> 'data' -> 'contact' ->> 'email' = $2
          order by seq desc
          limit 1`,
        [`holdfast.account.${event}.v1`, email],
      );
      if (!found[0]) throw new Error(`nothing is on its way to ${email}`);
      return createSealer(INTERNAL_SECRET, 'mailed token').unseal(found[0].data.sealed_token)!;
    },
    database,
    booking,
    payment,
    service: gateway.service,
    port: gateway.port,
    call: gateway.call,
    async signUp(name = 'Ann Example') {
      people += 1;
      const email = `person${people}@example.com`;
      const password = 'a long password';
      const { status, json } = await gateway.call('/v1/auth/register', { body: { email, password, name } });
      if (status !== 201) throw new Error(`register answered ${status}`);
      return { access: json.access_token, refresh: json.refresh_token, userId: json.user.id, email, password };
    },
    async stop() {
      await gateway.stop();
      await Promise.all([booking.stop(), payment.stop()]);
      await database.drop();
    },
  };
}

async function readRows<R extends object>(database: TestDatabase, sql: string, values: unknown[]): Promise<R[]> {
  const client = new pg.Client({ connectionString: database.url('identity'), options: '-c search_path=identity' });
  await client.connect();
  try {
    return (await client.query<R>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** A gateway that is not started yet. */
export function buildTestService(
  database: TestDatabase,
  services: { booking: string; payment: string },
  overrides: Partial<Config> = {},
): GatewayService {
  return buildService(
    {
      host: '127.0.0.1',
      port: 0,
      logLevel: 'silent',
      databaseUrl: database.url('identity'),
      // Nobody listens there: what is for the bus stays in the outbox, where a test can read it.
      natsUrl: 'nats://127.0.0.1:9',
      natsReplicas: 1,
      internalSecret: INTERNAL_SECRET,
      // Nobody listens on port 9, so notification is a service that is down.
      upstreams: { ...services, notification: 'http://127.0.0.1:9' },
      admin: ADMIN,
      trustedProxies: [],
      redisUrl: null,
      metricsAllowed: ['127.0.0.0/8'],
      corsOrigins: [],
      publicHosts: [],
      // Not what these tests are about; those that are set their own.
      limits: readPolicies('', 1_000).policies,
      ...overrides,
    },
    { logger: createLogger({ service: 'gateway', level: 'silent' }) },
  );
}

/** One more gateway on the same database, as a second replica. */
export async function startGatewayOn(
  database: TestDatabase,
  services: { booking: string; payment: string },
  overrides: Partial<Config> = {},
): Promise<{ service: GatewayService; port: number; call: TestGateway['call']; stop(): Promise<void> }> {
  const service = buildTestService(database, services, overrides);
  const port = await service.start();
  await service.identity.runOnce();
  return { service, port, call: (path, request = {}) => send(port, path, request), stop: () => service.stop() };
}

/** Node's own client, because it sends a path and headers as they are, right or wrong. */
function send(port: number, path: string, call: Call): Promise<Answer> {
  const payload = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const headers: http.OutgoingHttpHeaders = {
    ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.token === undefined ? {} : { authorization: `Bearer ${call.token}` }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: call.method ?? (payload === undefined ? 'GET' : 'POST'),
        headers,
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode!,
            headers: response.headers as Record<string, string>,
            text,
            json: (isJson && text !== '' ? JSON.parse(text) : {}) as AnswerJson,
          });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}
