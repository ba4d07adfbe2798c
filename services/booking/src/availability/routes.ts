import { createHash } from 'node:crypto';
import { Router } from 'express';
import { eventAvailabilityQuery, resourceAvailabilityQuery } from '@holdfast/shared/contracts/catalogue';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseQuery } from '@holdfast/shared/http/validation';
import { Problem } from '@holdfast/shared/problems';
import { etagOf, isNotModified } from '../etag.ts';
import { createHallLayouts } from '../inventory/hall-layout.ts';
import { readHallRows } from '../inventory/read-hall-rows.ts';
import { createEventAvailabilityReader, type SharingOptions } from './availability-reader.ts';
import { readOccupancy } from './read-occupancy.ts';
import { readResourceAvailability } from './read-resource-availability.ts';

export interface AvailabilityDeps extends SharingOptions {
  readonly pool: Pool;
}

/** `/events/:id/availability`, `/events/:id/occupancy` and `/resources/:id/availability`, to be mounted at /v1. */
export function availabilityRoutes(deps: AvailabilityDeps): Router {
  const router = Router();
  const layouts = createHallLayouts(readHallRows);
  const events = createEventAvailabilityReader(deps.pool, layouts, deps);

  router.get('/events/:id/availability', async (req, res) => {
    const { view } = parseQuery(eventAvailabilityQuery, req.query);
    const availability = await events.read(req.params.id, view);
    if (!availability) throw new Problem('not_found');
    res.set('Cache-Control', 'no-cache');
    if (isNotModified(req, etagOf(availability.version))) {
      res.status(304).set('ETag', etagOf(availability.version)).end();
      return;
    }
    const { version, json } = await availability.body();
    res.set('ETag', etagOf(version)).type('application/json').send(json);
  });

  router.get('/resources/:id/availability', async (req, res) => {
    const query = parseQuery(resourceAvailabilityQuery, req.query);
    const availability = await readResourceAvailability(deps.pool, req.params.id, query);
    if (!availability) throw new Problem('not_found');
    // What is past changes without a change of the inventory, so the tag is one of the answer and not of a version.
    const body = JSON.stringify(availability);
    const etag = etagOf(createHash('sha256').update(body).digest('base64url').slice(0, 22));
    res.set({ ETag: etag, 'Cache-Control': 'no-cache' });
    if (isNotModified(req, etag)) res.status(304).end();
    else res.type('application/json').send(body);
  });
  router.get('/events/:id/occupancy', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    const occupancy = await readOccupancy(deps.pool, layouts, req.params.id);
    if (!occupancy) throw new Problem('not_found');
    res.set('Cache-Control', 'no-cache').json(occupancy);
  });
  return router;
}
