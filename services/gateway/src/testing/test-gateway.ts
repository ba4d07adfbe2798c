import http from 'node:http';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createTestDatabase, type TestDatabase } from '@holdfast/shared/testing/test-database';
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
  readonly user: { readonly id: string; readonly role: string };
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
  call(path: string, call?: Call): Promise<Answer>;
  /** Registers a new customer and gives its tokens. */
  signUp(name?: string): Promise<{ access: string; refresh: string; userId: string; email: string; password: string }>;
  stop(): Promise<void>;
}

/** A gateway on a database of its own, in front of fake services. */
export async function startTestGateway(overrides: Partial<Config> = {}): Promise<TestGateway> {
  const database = await createTestDatabase();
  const booking = await startFakeService();
  const payment = await startFakeService();
  const gateway = await startGatewayOn(database, { booking: booking.url, payment: payment.url }, overrides);
  let people = 0;
  return {
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
      internalSecret: INTERNAL_SECRET,
      // Nobody listens on port 9, so notification is a service that is down.
      upstreams: { ...services, notification: 'http://127.0.0.1:9' },
      admin: ADMIN,
      trustedProxies: [],
      redisUrl: null,
      metricsAllowed: ['127.0.0.0/8'],
      corsOrigins: [],
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
