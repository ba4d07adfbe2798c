import { Router } from 'express';
import { searchQuery } from '@holdfast/shared/contracts/search';
import type { Pool } from '@holdfast/shared/db/pool';
import { parseQuery } from '@holdfast/shared/http/validation';
import { searchCatalogue } from './search-catalogue.ts';

/** `/search`, to be mounted at /v1. */
export function searchRoutes(deps: { readonly pool: Pool }): Router {
  const router = Router();
  router.get('/search', async (req, res) => {
    const page = await searchCatalogue(deps.pool, parseQuery(searchQuery, req.query));
    res.set('Cache-Control', 'no-cache').json(page);
  });
  return router;
}
