import { randomUUID } from 'node:crypto';

/** An answer of the API that is not the expected one; the message quotes its problem+json. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(call: string, status: number, body: unknown) {
    const problem = body as { code?: string; detail?: string; errors?: unknown } | undefined;
    const errors = problem?.errors === undefined ? '' : ` ${JSON.stringify(problem.errors)}`;
    super(`${call} answered ${status} ${problem?.code ?? ''} ${problem?.detail ?? ''}${errors}`.trim());
    this.name = 'ApiError';
    this.status = status;
    this.code = problem?.code;
  }
}

/** The public API as any client sees it: plain HTTP and JSON. */
export interface ApiClient {
  get<T>(path: string): Promise<T>;
  /** A POST with an Idempotency-Key of its own; statuses from 200 to 299 are fine. */
  post<T>(path: string, body: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
}

export function apiClient(gatewayUrl: string, accessToken?: string): ApiClient {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (accessToken !== undefined) headers['authorization'] = `Bearer ${accessToken}`;
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['idempotency-key'] = randomUUID();
    }
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(gatewayUrl + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
      // "Not now": the same key makes the repetition safe. The gateway may be ready a moment before the services are.
      if ((response.status === 429 || response.status === 503) && attempt < 6) {
        const seconds = Number(response.headers.get('retry-after') ?? 1);
        await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, 5) * 1000));
        continue;
      }
      throw new ApiError(`${method} ${path}`, response.status, parseOrUndefined(text));
    }
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body),
  };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
