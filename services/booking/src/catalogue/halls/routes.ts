import { Router } from 'express';
import { catalogueListQuery, hallBody } from '@holdfast/shared/contracts/catalogue';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { sendVersioned } from '../../etag.ts';
import { answerArchive, answerRestore } from '../answer-archive.ts';
import { answerCreate } from '../answer-create.ts';
import { answerPatch } from '../answer-patch.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createHall } from './create-hall.ts';
import { HALL_CHANGES } from './hall-changes.ts';
import { HALLS } from './hall-kind.ts';
import { listHalls } from './list-halls.ts';
import { readHall } from './read-hall.ts';

/** `/halls`, to be mounted at /v1. */
export function hallRoutes(deps: CatalogueDeps): Router {
  const router = Router();
  router.post('/halls', (req, res) =>
    answerCreate(deps, req, res, { collection: '/v1/halls', body: hallBody, create: createHall }),
  );
  router.get('/halls', async (req, res) => {
    res.json(await listHalls(deps.pool, parseQuery(catalogueListQuery, req.query)));
  });
  router.get('/halls/:id', async (req, res) => {
    const hall = await readHall(deps.pool, req.params.id);
    if (!hall) throw new Problem('not_found');
    sendVersioned(req, res, hall);
  });
  router.patch('/halls/:id', (req, res) => answerPatch(deps, req, res, HALL_CHANGES));
  router.delete('/halls/:id', (req, res) => answerArchive(deps, req, res, HALLS));
  router.post('/halls/:id/restore', (req, res) => answerRestore(deps, req, res, HALLS));
  return router;
}
