import { Router, type Request } from 'express';
import { ownReplayBody } from '../contracts/dead-letter-replays.ts';
import { emptyDeadLetterBody } from '../contracts/dead-letters.ts';
import type { Pool } from '../db/pool.ts';
import { withTransaction } from '../db/transaction.ts';
import { jsonBody, requireJson } from '../http/app.ts';
import { requireRole } from '../http/caller.ts';
import { parseBody } from '../http/validation.ts';
import { countMatching } from './replay-store.ts';
import { readReplay, startReplay, stopReplay } from './replay-many.ts';

/** Replaying many dead letters of this service, to be mounted at /internal behind requireAssertion, for the gateway. */
export function deadLetterReplayRoutes(pool: Pool, service: string): Router {
  const router = Router();
  router.post('/dead-letters/replays', requireJson, jsonBody(), async (req, res) => {
    const by = requireRole(req, 'operator', 'admin');
    const { id, filter, rate_per_second: ratePerSecond, dry_run: dryRun } = parseBody(ownReplayBody, req.body);
    if (dryRun) {
      res.json({ service, ...(await countMatching(pool, filter)) });
      return;
    }
    await withTransaction(pool, (tx) => startReplay(tx, { id, filter, ratePerSecond, by }));
    res.json(await readReplay(pool, service, id));
  });
  router.get('/dead-letters/replays/:id', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readReplay(pool, service, req.params.id));
  });
  router.post('/dead-letters/replays/:id/stop', requireJson, jsonBody(), async (req: Request<{ id: string }>, res) => {
    const by = requireRole(req as Request, 'operator', 'admin');
    parseBody(emptyDeadLetterBody, req.body);
    await withTransaction(pool, (tx) => stopReplay(tx, req.params.id, by));
    res.json(await readReplay(pool, service, req.params.id));
  });
  return router;
}
