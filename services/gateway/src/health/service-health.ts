import type { Pool } from 'undici';

// A little more than a service gives its own checks, so that it can still tell which of them fails.
const LIMIT_MS = 2_000;

/** What one service says of itself, or why it says nothing. */
export type ServiceHealth =
  | { status: 'ok' | 'unavailable'; latency_ms: number; checks: unknown }
  | { status: 'unreachable'; latency_ms: number; detail: string };

/** Asks every service side by side, each within 2 s. */
export async function askServices(upstreams: Readonly<Record<string, Pool>>): Promise<Record<string, ServiceHealth>> {
  const entries = Object.entries(upstreams).map(async ([name, pool]) => [name, await askService(pool)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function askService(pool: Pool): Promise<ServiceHealth> {
  const startedAt = performance.now();
  const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const { body, statusCode } = await pool.request({
      method: 'GET',
      path: '/healthz?verbose=1',
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const answer = (await body.json()) as { checks?: unknown };
    return { status: statusCode === 200 ? 'ok' : 'unavailable', latency_ms: latency(), checks: answer.checks ?? null };
  } catch (error) {
    return { status: 'unreachable', latency_ms: latency(), detail: error instanceof Error ? error.message : 'failed' };
  }
}
