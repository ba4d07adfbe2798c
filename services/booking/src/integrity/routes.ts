import { dueMoneyQuery } from '@holdfast/shared/contracts/money-check';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireOwnQuestion } from '@holdfast/shared/http/caller';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Router } from 'express';
import { readDueMoney } from './read-due-money.ts';

/** GET /money, to be mounted at /internal behind requireAssertion: what bookings may keep, for the gateway's check of G4. */
export function moneyRoutes(pool: Pool): Router {
  const router = Router();
  router.get('/money', async (req, res) => {
    requireOwnQuestion(req);
    res.json(await readDueMoney(pool, parseQuery(dueMoneyQuery, req.query).before ?? null));
  });
  return router;
}
