import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { ProblemCode } from '@holdfast/shared/problems';
import { exchange } from '../testing/exchange.ts';
import { startTestGateway, type Call, type TestGateway } from '../testing/test-gateway.ts';

let gateway: TestGateway;
let customer: { access: string; refresh: string; email: string };
beforeAll(async () => {
  gateway = await startTestGateway({ publicHosts: ['127.0.0.1'] });
  customer = await gateway.signUp();
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.booking.behave(() => ({})));

/** How often each label of a counter was counted. */
async function counts(counter: string, label: string): Promise<ReadonlyMap<string, number>> {
  const { text } = await gateway.call('/metrics');
  const samples = text.matchAll(new RegExp(`^${counter}\\{.*?${label}="(\\w+)".*?\\} (\\d+)$`, 'gm'));
  return new Map([...samples].map(([, name, count]) => [name!, Number(count)]));
}

/** What was counted while `run` ran. */
async function counted(counter: string, label: string, run: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts(counter, label);
  await run();
  const after = await counts(counter, label);
  const grown = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

const hold = (raw: string, headers: Record<string, string> = {}): Call => ({
  method: 'POST',
  raw,
  token: customer.access,
  headers: { 'content-type': 'application/json', 'idempotency-key': 'a-key', ...headers },
});

test.each<[ProblemCode, () => readonly [string, Call?]]>([
  ['unauthenticated', () => ['/v1/bookings']],
  ['forbidden', () => ['/v1/ops/attention', { token: customer.access }]],
  ['not_found', () => ['/v1/nothing']],
  ['method_not_allowed', () => ['/v1/venues', { method: 'TRACE' }]],
  ['malformed_request', () => ['/v1/venues?a=1&a=2']],
  ['malformed_json', () => ['/v1/bookings', hold('{')]],
  ['validation_failed', () => ['/v1/bookings', hold('5')]],
  ['unsupported_media_type', () => ['/v1/bookings', hold('{}', { 'content-type': 'text/plain' })]],
  ['payload_too_large', () => ['/v1/bookings', hold(`{"text":"${'x'.repeat(70_000)}"}`)]],
  ['origin_not_allowed', () => ['/v1/bookings', hold('{}', { origin: 'https://evil.example' })]],
  ['misdirected_request', () => ['/v1/venues', { headers: { host: 'evil.example' } }]],
])('a refusal %s is counted once, by its code', async (code, request) => {
  const grown = await counted('holdfast_refused_total', 'code', async () => {
    const [path, call] = request();
    expect((await gateway.call(path, call)).json.code).toBe(code);
  });
  expect(grown).toEqual({ [code]: 1 });
});

test('a service that breaks off is counted as what the client is told', async () => {
  gateway.booking.behave(() => 'reset');
  const grown = await counted('holdfast_refused_total', 'code', async () => {
    expect((await gateway.call('/v1/venues')).json.code).toBe('dependency_unavailable');
  });
  expect(grown).toEqual({ dependency_unavailable: 1 });
});

test('a request that is broken off by the parser is counted, too', async () => {
  const grown = await counted('holdfast_refused_total', 'code', () => exchange(gateway.port, 'nonsense\r\n\r\n'));
  expect(grown).toEqual({ malformed_request: 1 });
});

test.each<[string, () => readonly [string, Call?]]>([
  ['token_invalid', () => ['/v1/bookings', { token: `${customer.access}x` }]],
  ['token_too_long', () => ['/v1/bookings', { token: 'x'.repeat(9_000) }]],
  ['not_bearer', () => ['/v1/bookings', { headers: { authorization: 'Basic YTpi' } }]],
  ['invalid_credentials', () => ['/v1/auth/login', login(customer.email)]],
  ['invalid_credentials', () => ['/v1/auth/login', login('nobody@example.com')]],
  ['refresh_invalid', () => ['/v1/auth/refresh', { method: 'POST', body: { refresh_token: 'x'.repeat(43) } }]],
])('who is not let in is counted by the reason: %s', async (reason, request) => {
  const grown = await counted('holdfast_identity_refusals_total', 'reason', async () => {
    const [path, call] = request();
    expect((await gateway.call(path, call)).status).toBe(401);
  });
  expect(grown).toEqual({ [reason]: 1 });
});

function login(email: string): Call {
  return { method: 'POST', body: { email, password: 'not the password' } };
}
