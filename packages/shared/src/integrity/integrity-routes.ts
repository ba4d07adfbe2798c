import { Router } from 'express';
import { requireRole } from '../http/caller.ts';
import type { Auditor } from './auditor.ts';

/** GET /integrity and POST /integrity/run, to be mounted at /internal behind requireAssertion: this service's part of the answer. */
export function integrityRoutes(auditor: Auditor): Router {
  const router = Router();
  router.get('/integrity', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await auditor.results());
  });
  router.post('/integrity/run', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await auditor.runOnDemand());
  });
  return router;
}
