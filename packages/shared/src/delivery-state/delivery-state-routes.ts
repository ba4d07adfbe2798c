import { Router } from 'express';
import type { Bus } from '../bus/bus.ts';
import type { Pool } from '../db/pool.ts';
import { requireRole } from '../http/caller.ts';
import { readConsumers } from './read-consumers.ts';
import { readOutbox } from './read-outbox.ts';

/**
 * GET /outbox and GET /consumers of this service, to be mounted at /internal behind requireAssertion: for the gateway, which puts the
 * services' answers together. `bus` is asked for each time; it may be long in coming.
 */
export function deliveryStateRoutes(pool: Pool, bus: () => Bus | null, service: string): Router {
  const router = Router();
  router.get('/outbox', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readOutbox(pool, service));
  });
  router.get('/consumers', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json({ consumers: await readConsumers(pool, bus(), service) });
  });
  return router;
}
