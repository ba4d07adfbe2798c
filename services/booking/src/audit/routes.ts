import { Router } from 'express';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole } from '@holdfast/shared/http/caller';
import { pageQuery } from '@holdfast/shared/http/pagination';
import { parseQuery } from '@holdfast/shared/http/validation';
import { z } from 'zod';
import { listAudit } from './list-audit.ts';

const auditQuery = z.strictObject({ ...pageQuery, entity: z.string().max(64).optional() });

/** `/audit`, for the operators' API of the gateway; to be mounted at /internal behind requireAssertion. */
export function auditRoutes(deps: { readonly pool: Pool }): Router {
  const router = Router();
  router.get('/audit', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listAudit(deps.pool, parseQuery(auditQuery, req.query)));
  });
  return router;
}
