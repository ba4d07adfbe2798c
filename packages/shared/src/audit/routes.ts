import { Router } from 'express';
import { ownAuditQuery, ownVerifyAuditQuery } from '../contracts/audit.ts';
import type { Pool } from '../db/pool.ts';
import { requireRole } from '../http/caller.ts';
import { parseQuery } from '../http/validation.ts';
import { listAudit, readAuditEntry } from './read-audit.ts';
import { verifyAudit } from './verify-audit.ts';

/**
 * The audit log of this service, to be mounted at /internal behind requireAssertion. For the gateway, which puts the services' answers
 * together.
 */
export function auditRoutes(pool: Pool, service: string): Router {
  const router = Router();
  router.get('/audit', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listAudit(pool, service, parseQuery(ownAuditQuery, req.query)));
  });
  router.get('/audit/verify', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await verifyAudit(pool, service, parseQuery(ownVerifyAuditQuery, req.query)));
  });
  router.get('/audit/:id', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readAuditEntry(pool, service, req.params.id));
  });
  return router;
}
