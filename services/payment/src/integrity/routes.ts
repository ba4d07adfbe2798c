import { keptMoneyBody } from '@holdfast/shared/contracts/money-check';
import type { Pool } from '@holdfast/shared/db/pool';
import { jsonBody } from '@holdfast/shared/http/app';
import { requireOwnQuestion } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { Router } from 'express';
import { readKeptMoney } from './read-kept-money.ts';

/** POST /money, to be mounted at /internal behind requireAssertion: what payments of bookings kept, for the gateway's check of G4. */
export function moneyRoutes(pool: Pool): Router {
  const router = Router();
  router.post('/money', jsonBody(), async (req, res) => {
    requireOwnQuestion(req);
    res.json({ data: await readKeptMoney(pool, parseBody(keptMoneyBody, req.body).booking_ids) });
  });
  return router;
}
