import { instant } from '@holdfast/shared/contracts/common';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { Router } from 'express';
import { z } from 'zod';
import { listFindings } from './list-findings.ts';
import { reconcileProvider, type ReconcileDeps } from './reconcile-provider.ts';

const MAX_WINDOW_MS = 31 * 24 * 3_600_000;

const listQuery = z.strictObject({
  state: z.enum(['OPEN', 'REPAIRED', 'GONE']).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const window = z
  .strictObject({ from: instant, to: instant })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ['to'], message: 'must be after from' })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= MAX_WINDOW_MS, {
    path: ['to'],
    message: 'must be at most 31 days after from',
  });

/**
 * GET /internal/reconciliation lists where the provider's books and ours differ; POST compares them for a time window and answers
 * when that is done. For other services alone: the gateway forwards neither. Expects requireAssertion in front.
 */
export function reconciliationRoutes(deps: ReconcileDeps): Router {
  const router = Router();
  router.get('/internal/reconciliation', async (req, res) => {
    const { state, limit } = parseQuery(listQuery, req.query);
    res.json(await listFindings(deps.pool, { state: state ?? null, limit }));
  });
  router.post('/internal/reconciliation', requireJson, jsonBody(), async (req, res) => {
    const { from, to } = parseBody(window, req.body);
    res.json(await reconcileProvider(deps, { from: new Date(from), to: new Date(to) }));
  });
  return router;
}
