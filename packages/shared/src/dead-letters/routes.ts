import { Router } from 'express';
import { ownDeadLetterQuery } from '../contracts/dead-letters.ts';
import type { Pool } from '../db/pool.ts';
import { requireRole } from '../http/caller.ts';
import { parseQuery } from '../http/validation.ts';
import { groupDeadLetters, listDeadLetters, readDeadLetter } from './read-dead-letters.ts';

/**
 * The dead letters of this service, to be mounted at /internal behind requireAssertion. For the gateway, which puts the services'
 * answers together.
 */
export function deadLetterRoutes(pool: Pool, service: string): Router {
  const router = Router();
  router.get('/dead-letters', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listDeadLetters(pool, service, parseQuery(ownDeadLetterQuery, req.query)));
  });
  router.get('/dead-letters/groups', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json({ groups: await groupDeadLetters(pool, service) });
  });
  router.get('/dead-letters/:id', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readDeadLetter(pool, service, req.params.id));
  });
  return router;
}
