import { randomUUID } from 'node:crypto';
import { signAssertion, type Caller } from '@holdfast/shared/http/internal-assertion';
import { newId } from '@holdfast/shared/ids';

/** An answer, whatever its status; `body` is its JSON, or undefined when it has none. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
  readonly text: string;
}

export interface RequestOptions {
  /** Idempotency-Key of a POST: a fresh one unless given, none when null. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Speaks JSON to one address. Never throws for a status; throws when there is no answer within 10 s. */
export interface ApiClient {
  get<T = unknown>(path: string, options?: RequestOptions): Promise<Answer<T>>;
  post<T = unknown>(path: string, body: unknown, options?: RequestOptions): Promise<Answer<T>>;
  /** Sends bytes as they are. */
  send<T = unknown>(method: string, path: string, init: RequestInit): Promise<Answer<T>>;
}

const PATIENCE_MS = 10_000;

/** A client whose requests carry the headers that `standing` gives at the time of each. */
export function createApiClient(url: string, standing: () => Readonly<Record<string, string>> = () => ({})): ApiClient {
  const send = async <T>(method: string, path: string, init: RequestInit): Promise<Answer<T>> => {
    const response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...init,
      method,
      headers: { ...standing(), ...(init.headers as Record<string, string> | undefined) },
    });
    const text = await response.text();
    const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : undefined) as T,
      text,
    };
  };
  return {
    send,
    get: (path, options = {}) => send('GET', path, { headers: { ...options.headers } }),
    post: (path, body, options = {}) =>
      send('POST', path, {
        headers: {
          'content-type': 'application/json',
          ...(options.key === null ? {} : { 'idempotency-key': options.key ?? randomUUID() }),
          ...options.headers,
        },
        body: JSON.stringify(body),
      }),
  };
}

/** Speaks to a service itself, as the gateway does: each request carries a signed assertion of `caller`. */
export function createAssertedClient(url: string, secret: string, caller: Caller): ApiClient {
  return createApiClient(url, () => ({
    'holdfast-assertion': signAssertion(secret, { ...caller, requestId: newId('req') }),
  }));
}

/** Somebody of whom the gateway would vouch: a new customer unless told otherwise. */
export function aCaller(overrides: Partial<Caller> = {}): Caller {
  return {
    userId: newId('usr'),
    role: 'customer',
    email: 'ada@example.org',
    name: 'Ada',
    address: '127.0.0.1',
    requestId: newId('req'),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    ...overrides,
  };
}
