import { Router } from 'express';
import type { TimelineEntry } from '../contracts/timeline.ts';
import type { Pool } from '../db/pool.ts';
import { requireUser } from '../http/caller.ts';
import { isId } from '../ids.ts';
import { Problem } from '../problems.ts';
import { inOrder, toEntries, type TimelineSource } from './timeline-source.ts';

/**
 * GET /timeline/:booking_id, to be mounted at /internal behind requireAssertion: what this service knows of a booking. Whether the
 * caller may see the booking is decided by the booking service, which the gateway asks first.
 */
export function timelineRoutes(
  service: TimelineEntry['source'],
  pool: Pool,
  sources: readonly TimelineSource[],
): Router {
  const router = Router();
  router.get('/timeline/:booking_id', async (req, res) => {
    const caller = requireUser(req);
    const { booking_id: bookingId } = req.params;
    if (!isId('bkg', bookingId)) throw new Problem('not_found');
    const rows = await Promise.all(sources.map((source) => source(pool, bookingId)));
    const entries = rows.map((part) => toEntries(service, part, caller.role !== 'customer'));
    res.json({ entries: inOrder(entries) });
  });
  return router;
}
