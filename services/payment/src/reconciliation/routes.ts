import {
  findingListQuery,
  resolveFindingBody,
  sweepBody,
  sweepListQuery,
} from '@holdfast/shared/contracts/reconciliation';
import type { Pool } from '@holdfast/shared/db/pool';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { Router } from 'express';
import { parseRowId } from '../row-ids/row-id.ts';
import { listFindings } from './list-findings.ts';
import { listSweeps, readSweep, requestSweep } from './request-sweep.ts';
import { refundFinding } from './refund-finding.ts';
import { resolveFinding } from './resolve-finding.ts';

export interface ReconciliationRouteOptions {
  readonly pool: Pool;
  /** Call after a sweep was asked for. */
  readonly onRequested: () => void;
  /** Call after the refund of a finding was asked for. */
  readonly onRefund: () => void;
}

/**
 * For operators: GET /v1/ops/reconciliation/findings lists where the provider's books and ours differ, POST …/:id/resolve closes one
 * by hand, POST …/:id/refund pays it back; POST /v1/ops/reconciliation/sweeps compares the books now, GET shows how far that is. Expects requireAssertion in front.
 */
export function reconciliationRoutes({ pool, onRequested, onRefund }: ReconciliationRouteOptions): Router {
  const router = Router();
  router.get('/v1/ops/reconciliation/findings', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listFindings(pool, parseQuery(findingListQuery, req.query)));
  });
  router.post('/v1/ops/reconciliation/findings/:id/resolve', requireJson, jsonBody(), async (req, res) => {
    const actor = requireRole(req, 'operator', 'admin');
    const id = parseRowId(String(req.params['id']));
    if (id === null) throw new Problem('not_found');
    const body = parseBody(resolveFindingBody, req.body);
    const scope = optionalScope(req, actor.userId, body);
    const result = await resolveFinding(pool, { id, reason: body.reason, actor, scope });
    if ('refused' in result) throw new Problem(result.refused);
    sendStored(res, result);
  });
  router.post('/v1/ops/reconciliation/findings/:id/refund', requireJson, jsonBody(), async (req, res) => {
    const actor = requireRole(req, 'operator', 'admin');
    const id = parseRowId(String(req.params['id']));
    if (id === null) throw new Problem('not_found');
    const body = parseBody(resolveFindingBody, req.body);
    requireIdempotencyKey(req.headers['idempotency-key']);
    const scope = optionalScope(req, actor.userId, body);
    const result = await refundFinding(pool, { id, reason: body.reason, actor, scope });
    if ('refused' in result) throw new Problem(result.refused);
    sendStored(res, result);
    if (!result.replayed) onRefund();
  });
  router.post('/v1/ops/reconciliation/sweeps', requireJson, jsonBody(), async (req, res) => {
    const actor = requireRole(req, 'operator', 'admin');
    const body = parseBody(sweepBody, req.body);
    const window =
      body.from === undefined || body.to === undefined ? null : { from: new Date(body.from), to: new Date(body.to) };
    const result = await requestSweep(pool, { actor, window, scope: optionalScope(req, actor.userId, body) });
    sendStored(res, result);
    if (!result.replayed) onRequested();
  });
  router.get('/v1/ops/reconciliation/sweeps', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await listSweeps(pool, parseQuery(sweepListQuery, req.query)));
  });
  router.get('/v1/ops/reconciliation/sweeps/:id', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    const id = parseRowId(String(req.params['id']));
    const sweep = id === null ? null : await readSweep(pool, id);
    if (!sweep) throw new Problem('not_found');
    res.json(sweep);
  });
  return router;
}
