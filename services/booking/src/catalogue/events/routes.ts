import { Router } from 'express';
import { catalogueListQuery, eventBody } from '@holdfast/shared/contracts/catalogue';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { sendVersioned } from '../../etag.ts';
import { answerCreate } from '../answer-create.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createEvent } from './create-event.ts';
import { listEvents } from './list-events.ts';
import { readEvent } from './read-event.ts';

/** `/events`, to be mounted at /v1. */
export function eventRoutes(deps: CatalogueDeps): Router {
  const router = Router();
  router.post('/events', (req, res) =>
    answerCreate(deps, req, res, { collection: '/v1/events', body: eventBody, create: createEvent }),
  );
  router.get('/events', async (req, res) => {
    res.json(await listEvents(deps.pool, parseQuery(catalogueListQuery, req.query)));
  });
  router.get('/events/:id', async (req, res) => {
    const event = await readEvent(deps.pool, req.params.id);
    if (!event) throw new Problem('not_found');
    sendVersioned(req, res, event);
  });
  return router;
}
