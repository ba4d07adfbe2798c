import { Router } from 'express';
import { catalogueListQuery, venueBody } from '@holdfast/shared/contracts/catalogue';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { sendVersioned } from '../../etag.ts';
import { answerArchive, answerRestore } from '../answer-archive.ts';
import { answerCreate } from '../answer-create.ts';
import { answerPatch } from '../answer-patch.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createVenue } from './create-venue.ts';
import { VENUE_CHANGES } from './venue-changes.ts';
import { listVenues } from './list-venues.ts';
import { readVenue } from './read-venue.ts';
import { VENUES } from './venue-kind.ts';

const listQuery = catalogueListQuery.omit({ venue_id: true });

/** `/venues`, to be mounted at /v1. */
export function venueRoutes(deps: CatalogueDeps): Router {
  const router = Router();
  router.post('/venues', (req, res) =>
    answerCreate(deps, req, res, { collection: '/v1/venues', body: venueBody, create: createVenue }),
  );
  router.get('/venues', async (req, res) => {
    res.json(await listVenues(deps.pool, parseQuery(listQuery, req.query)));
  });
  router.get('/venues/:id', async (req, res) => {
    const venue = await readVenue(deps.pool, req.params.id);
    if (!venue) throw new Problem('not_found');
    sendVersioned(req, res, venue);
  });
  router.patch('/venues/:id', (req, res) => answerPatch(deps, req, res, VENUE_CHANGES));
  router.delete('/venues/:id', (req, res) => answerArchive(deps, req, res, VENUES));
  router.post('/venues/:id/restore', (req, res) => answerRestore(deps, req, res, VENUES));
  return router;
}
