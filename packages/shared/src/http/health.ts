import type { Express, Request, Response } from 'express';
import type { Registry } from 'prom-client';
import { isDraining } from './drain.ts';

export interface HealthCheck {
  readonly name: string;
  /** A failing check that is not critical is a warning: the process stays ready. */
  readonly critical: boolean;
  /** Resolves with a detail for people, or throws. */
  readonly run: () => Promise<string>;
}

export interface CheckResult {
  status: 'ok' | 'warn' | 'fail';
  latency_ms: number;
  detail: string;
}

const CHECK_LIMIT_MS = 1_500;

/** Runs every check side by side, each within 1.5 s. */
export async function runChecks(
  checks: readonly HealthCheck[],
): Promise<{ ready: boolean; checks: Record<string, CheckResult> }> {
  const results = await Promise.all(
    checks.map(async (check): Promise<[string, CheckResult]> => {
      const startedAt = performance.now();
      const latency = () => Math.round((performance.now() - startedAt) * 10) / 10;
      const limit = new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error(`no answer within ${CHECK_LIMIT_MS} ms`)), CHECK_LIMIT_MS).unref();
      });
      try {
        const detail = await Promise.race([check.run(), limit]);
        return [check.name, { status: 'ok', latency_ms: latency(), detail }];
      } catch (error) {
        const detail = error instanceof Error ? error.message || error.name : 'failed';
        return [check.name, { status: check.critical ? 'fail' : 'warn', latency_ms: latency(), detail }];
      }
    }),
  );
  return { ready: results.every(([, result]) => result.status !== 'fail'), checks: Object.fromEntries(results) };
}

/** Mounts /livez, /readyz, /healthz?verbose=1 and /metrics as api.md describes them. */
export function mountHealth(
  app: Express,
  options: {
    service: string;
    checks: readonly HealthCheck[];
    registry: Registry;
    /** More members of the verbose answer. */
    details?: () => Promise<Record<string, unknown>>;
  },
): void {
  app.get('/livez', (_req: Request, res: Response) => {
    res.json({ status: 'ok' });
  });
  app.get('/readyz', async (_req: Request, res: Response) => {
    // Whoever sends requests here should stop before the port closes.
    const ready = !isDraining(app) && (await runChecks(options.checks)).ready;
    res.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable' });
  });
  app.get('/healthz', async (req: Request, res: Response) => {
    const verbose = req.query['verbose'] === '1';
    const [{ ready, checks }, details] = await Promise.all([
      runChecks(options.checks),
      verbose ? options.details?.() : undefined,
    ]);
    const body = { service: options.service, status: ready ? 'ok' : 'unavailable' };
    res.status(ready ? 200 : 503).json(verbose ? { ...body, checks, ...details } : body);
  });
  app.get('/metrics', async (_req: Request, res: Response) => {
    res.type(options.registry.contentType).send(await options.registry.metrics());
  });
}
