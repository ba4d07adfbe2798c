import { ledgerBalanceQuery, ledgerEntryQuery, trialBalanceQuery } from '@holdfast/shared/contracts/ledger';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Router } from 'express';
import { listEntries, readBalances, readTrialBalance } from './read-ledger.ts';

/** GET /v1/ops/ledger/entries, /balances and /trial-balance, for operators. Expects requireAssertion in front. */
export function ledgerRoutes({ pool }: { readonly pool: Pool }): Router {
  const router = Router();
  router.get('/v1/ops/ledger/entries', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listEntries(pool, parseQuery(ledgerEntryQuery, req.query)));
  });
  router.get('/v1/ops/ledger/balances', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    const { currency } = parseQuery(ledgerBalanceQuery, req.query);
    res.json(await readBalances(pool, currency ?? null));
  });
  router.get('/v1/ops/ledger/trial-balance', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    parseQuery(trialBalanceQuery, req.query);
    res.json(await readTrialBalance(pool));
  });
  return router;
}
