import { Router } from 'express';
import { catalogueListQuery, eventBody } from '@holdfast/shared/contracts/catalogue';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { sendVersioned } from '../../etag.ts';
import { answerArchive, answerRestore } from '../answer-archive.ts';
import { answerCreate } from '../answer-create.ts';
import { answerPatch } from '../answer-patch.ts';
import type { CatalogueDeps } from '../catalogue-deps.ts';
import { createEvent } from './create-event.ts';
import { eventChanges } from './event-changes.ts';
import { EVENTS } from './event-kind.ts';
import { listEvents } from './list-events.ts';
import { readEvent } from './read-event.ts';

export interface EventRoutesDeps extends CatalogueDeps {
  /** Whether there is a quoter: without one nothing can be sold at quoted prices. */
  readonly quoting: boolean;
}

/** `/events`, to be mounted at /v1. */
export function eventRoutes(deps: EventRoutesDeps): Router {
  const router = Router();
  router.post('/events', (req, res) =>
    answerCreate(deps, req, res, {
      collection: '/v1/events',
      body: eventBody,
      create: (tx, input) => createEvent(tx, input, deps.quoting),
    }),
  );
  router.get('/events', async (req, res) => {
    res.json(await listEvents(deps.pool, parseQuery(catalogueListQuery, req.query)));
  });
  router.get('/events/:id', async (req, res) => {
    const event = await readEvent(deps.pool, req.params.id);
    if (!event) throw new Problem('not_found');
    sendVersioned(req, res, event);
  });
  router.patch('/events/:id', (req, res) => answerPatch(deps, req, res, eventChanges(deps.quoting)));
  router.delete('/events/:id', (req, res) => answerArchive(deps, req, res, EVENTS));
  router.post('/events/:id/restore', (req, res) => answerRestore(deps, req, res, EVENTS));
  return router;
}
