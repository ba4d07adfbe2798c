import { Router } from 'express';
import { catalogueListQuery, resourceBody } from '@holdfast/shared/contracts/catalogue';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { sendVersioned } from '../../etag.ts';
import { answerArchive, answerRestore } from '../answer-archive.ts';
import { answerCreate } from '../answer-create.ts';
import { answerPatch } from '../answer-patch.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createResource } from './create-resource.ts';
import { RESOURCE_CHANGES } from './resource-changes.ts';
import { listResources } from './list-resources.ts';
import { readResource } from './read-resource.ts';
import { RESOURCES } from './resource-kind.ts';

/** `/resources`, to be mounted at /v1. */
export function resourceRoutes(deps: CatalogueDeps): Router {
  const router = Router();
  router.post('/resources', (req, res) =>
    answerCreate(deps, req, res, { collection: '/v1/resources', body: resourceBody, create: createResource }),
  );
  router.get('/resources', async (req, res) => {
    res.json(await listResources(deps.pool, parseQuery(catalogueListQuery, req.query)));
  });
  router.get('/resources/:id', async (req, res) => {
    const resource = await readResource(deps.pool, req.params.id);
    if (!resource) throw new Problem('not_found');
    sendVersioned(req, res, resource);
  });
  router.patch('/resources/:id', (req, res) => answerPatch(deps, req, res, RESOURCE_CHANGES));
  router.delete('/resources/:id', (req, res) => answerArchive(deps, req, res, RESOURCES));
  router.post('/resources/:id/restore', (req, res) => answerRestore(deps, req, res, RESOURCES));
  return router;
}
