import type { Router } from 'express';
import { createApp, jsonBody, listen, problemHandler, requireJson } from '@holdfast/shared/http/app';
import { requestIdOf, requireAssertion } from '@holdfast/shared/http/caller';
import { ASSERTION_HEADER, signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { newId, type UserId } from '@holdfast/shared/ids';
import { Problem, type FieldError } from '@holdfast/shared/problems';
import { createLogger } from '@holdfast/shared/telemetry/logger';

const SECRET = 'only-for-tests-only-for-tests-only-for-tests';

/** What tests read from answers of all kinds. Which of it an answer has is for the test to assert; an empty answer has none. */
export interface ReplyBody {
  readonly code: string;
  readonly detail: string;
  readonly name: string;
  readonly capacity: number;
  readonly errors?: FieldError[];
  readonly id: string;
  readonly object: string;
  readonly version: number;
  readonly archived_at: string | null;
  readonly data: { readonly id: string }[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly refund_policy: unknown;
  readonly price_per_slot: unknown;
  readonly seat_count: number;
  readonly rows: unknown[];
  readonly as_of: string;
  readonly counts: { readonly available: number; readonly locked: number; readonly booked: number };
  readonly seats: { readonly label: string; readonly status: string }[];
  readonly slots: { readonly starts_at: string; readonly status: string }[];
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: ReplyBody;
}

export interface RequestOptions {
  readonly as?: Caller['role'];
  readonly userId?: UserId;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Some routes on a port of their own, called as the gateway would. */
export interface HttpFixture {
  get(path: string, options?: RequestOptions): Promise<Reply>;
  /** A body that is no string is sent as JSON. Signed in as an admin unless told otherwise; `as: null` is nobody. */
  post(path: string, body: unknown, options?: RequestOptions): Promise<Reply>;
  /** As `post`, with If-Match `"<version>"` unless the version is null. */
  patch(path: string, version: number | null, body: unknown, options?: RequestOptions): Promise<Reply>;
  delete(path: string, version: number | null, options?: RequestOptions): Promise<Reply>;
  stop(): Promise<void>;
}

export function serveRoutes(...routers: Router[]): Promise<HttpFixture> {
  return serveAllRoutes([], routers);
}

/** As `serveRoutes`, with routes that take bodies of another kind than JSON. */
export async function serveAllRoutes(beforeJson: readonly Router[], routers: readonly Router[]): Promise<HttpFixture> {
  const app = createApp();
  app.use(['/v1', '/internal'], requireAssertion(SECRET), ...beforeJson, requireJson, jsonBody(), ...routers);
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(problemHandler(createLogger({ service: 'booking-test', level: 'silent' }), requestIdOf));
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const admin = newId('usr');

  async function call(method: string, path: string, options: RequestOptions, body?: string): Promise<Reply> {
    const role = options.as ?? null;
    const assertion = signAssertion(SECRET, {
      userId: role === null ? null : (options.userId ?? admin),
      role,
      email: null,
      name: null,
      address: '127.0.0.1',
      requestId: newId('req'),
      traceparent: '00-00000000000000000000000000000001-0000000000000001-00',
    });
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: {
        [ASSERTION_HEADER]: assertion,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: JSON.parse(text === '' ? '{}' : text) as ReplyBody,
    };
  }

  return {
    get: (path, options = {}) => call('GET', path, options),
    post: (path, body, options = {}) => call('POST', path, { as: 'admin', ...options }, textOf(body)),
    patch: (path, version, body, options = {}) =>
      call('PATCH', path, { as: 'admin', ...options, headers: withIfMatch(version, options) }, textOf(body)),
    delete: (path, version, options = {}) =>
      call('DELETE', path, { as: 'admin', ...options, headers: withIfMatch(version, options) }),
    stop: () => server.stop(),
  };
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function withIfMatch(version: number | null, options: RequestOptions): Record<string, string> {
  return { ...(version === null ? {} : { 'if-match': `"${version}"` }), ...options.headers };
}

/** Pointers of a validation problem, for `expect`. */
export function pointersOf(reply: Reply): string[] {
  return (reply.body.errors ?? []).map((error) => error.pointer);
}
