import { Router, type Request } from 'express';
import { cancelSeriesBody, dropOccurrenceBody, seriesBody, seriesListQuery } from '@holdfast/shared/contracts/series';
import { requireUser } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { fingerprint, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { isId, type Id } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { cancelSeries, type CancelSeriesDeps } from './cancel-series.ts';
import { createSeries, type CreateSeriesDeps } from './create-series.ts';
import { dropOccurrence } from './drop-occurrence.ts';
import { previewSeries } from './preview-series.ts';
import { listSeriesOf, readSeriesOf } from './read-series.ts';

export type SeriesRoutesDeps = CreateSeriesDeps & CancelSeriesDeps;

/** Recurring bookings of a resource, to be mounted at /v1. */
export function seriesRoutes(deps: SeriesRoutesDeps): Router {
  const router = Router();

  router.get('/series', async (req, res) => {
    res.json(await listSeriesOf(deps.pool, requireUser(req), parseQuery(seriesListQuery, req.query)));
  });
  router.get('/series/:id', async (req, res) => {
    const { series, etag } = await readSeriesOf(deps.pool, requireUser(req), req.params.id);
    res.set('etag', etag).json(series);
  });

  router.post('/series/preview', async (req, res) => {
    res.json(await previewSeries(deps.pool, requireUser(req), parseBody(seriesBody, req.body), deps.fee));
  });

  router.post('/series', async (req, res) => {
    const caller = requireUser(req);
    const { scope, body: input } = keyed(req, '/v1/series', (body) => parseBody(seriesBody, body));
    sendStored(res, await createSeries(deps, { caller, scope, input }));
  });

  router.post('/series/:id/exceptions', async (req, res) => {
    const caller = requireUser(req);
    const seriesId = seriesIdOf(req);
    const path = `/v1/series/${seriesId}/exceptions`;
    const { scope, body } = keyed(req, path, (raw) => parseBody(dropOccurrenceBody, raw));
    sendStored(res, await dropOccurrence(deps, { caller, seriesId, scope, ...body }));
  });

  router.post('/series/:id/cancel', async (req, res) => {
    const caller = requireUser(req);
    const seriesId = seriesIdOf(req);
    const path = `/v1/series/${seriesId}/cancel`;
    const { scope, body } = keyed(req, path, (raw) => parseBody(cancelSeriesBody, raw));
    const { reason, from = null } = body;
    sendStored(res, await cancelSeries(deps, { caller, seriesId, scope, reason, from }));
  });

  return router;
}

/** @throws Problem `not_found` for what is not the id of a series at all. */
function seriesIdOf(req: Request): Id<'ser'> {
  const id = req.params['id'];
  if (!isId('ser', id)) throw new Problem('not_found');
  return id;
}

/** The body of a keyed call and what its key stands for. */
function keyed<T>(req: Request, path: string, parse: (body: unknown) => T) {
  const { userId } = requireUser(req);
  const key = requireIdempotencyKey(req.headers['idempotency-key']);
  const body = parse(req.body);
  return { body, scope: { userId, key, fingerprint: fingerprint('POST', path, body) } };
}
