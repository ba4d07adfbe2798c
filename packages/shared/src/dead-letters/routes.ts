import { Router, type Request, type Response } from 'express';
import { discardDeadLetterBody, emptyDeadLetterBody, ownDeadLetterQuery } from '../contracts/dead-letters.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction, type Tx } from '../db/transaction.ts';
import { jsonBody, requireJson } from '../http/app.ts';
import { requireRole, type SignedInCaller } from '../http/caller.ts';
import { parseBody, parseQuery } from '../http/validation.ts';
import { discardDeadLetter, replayDeadLetter, restoreDeadLetter } from './decide-dead-letter.ts';
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

  router.post('/dead-letters/:id/replay', requireJson, jsonBody(), async (req: Request<{ id: string }>, res) => {
    parseBody(emptyDeadLetterBody, req.body);
    await decide(req, res, (tx, by) => replayDeadLetter(tx, req.params.id, by));
  });
  router.post('/dead-letters/:id/discard', requireJson, jsonBody(), async (req: Request<{ id: string }>, res) => {
    const { reason } = parseBody(discardDeadLetterBody, req.body);
    await decide(req, res, (tx, by) => discardDeadLetter(tx, req.params.id, reason, by));
  });
  router.post('/dead-letters/:id/restore', requireJson, jsonBody(), async (req: Request<{ id: string }>, res) => {
    parseBody(emptyDeadLetterBody, req.body);
    await decide(req, res, (tx, by) => restoreDeadLetter(tx, req.params.id, by));
  });

  /** Answers with the letter as it is after it. */
  async function decide(
    req: Request<{ id: string }>,
    res: Response,
    work: (tx: Tx, by: SignedInCaller) => Promise<void>,
  ): Promise<void> {
    const by = requireRole(req as Request, 'operator', 'admin');
    await withTransaction(pool, (tx) => work(tx, by));
    res.json(await readDeadLetter(pool, service, req.params.id));
  }
  return router;
}
