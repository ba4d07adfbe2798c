import {
  findingListQuery,
  resolveFindingBody,
  sweepBody,
  sweepListQuery,
} from '@holdfast/shared/contracts/reconciliation';
import type { Pool } from '@holdfast/shared/db/pool';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requireRole, type SignedInCaller } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import type { OnceAnswered } from '@holdfast/shared/idempotency/answer-once';
import { fingerprint, readIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import type { KeyScope } from '@holdfast/shared/idempotency/idempotency-store';
import { Problem } from '@holdfast/shared/problems';
import { Router, type Request, type Response } from 'express';
import { parseRowId } from '../row-ids/row-id.ts';
import { listFindings } from './list-findings.ts';
import { listSweeps, readSweep, requestSweep } from './request-sweep.ts';
import { resolveFinding } from './resolve-finding.ts';

export interface ReconciliationRouteOptions {
  readonly pool: Pool;
  /** Call after a sweep was asked for. */
  readonly onRequested: () => void;
}

/**
 * For operators: GET /v1/ops/reconciliation/findings lists where the provider's books and ours differ, POST …/:id/resolve closes one
 * by hand; POST /v1/ops/reconciliation/sweeps compares the books now, GET shows how far that is. Expects requireAssertion in front.
 */
export function reconciliationRoutes({ pool, onRequested }: ReconciliationRouteOptions): Router {
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
    const scope = scopeOf(req, actor, body);
    const result = await resolveFinding(pool, { id, reason: body.reason, actor, scope });
    if ('refused' in result) throw new Problem(result.refused);
    send(res, result);
  });
  router.post('/v1/ops/reconciliation/sweeps', requireJson, jsonBody(), async (req, res) => {
    const actor = requireRole(req, 'operator', 'admin');
    const body = parseBody(sweepBody, req.body);
    const window =
      body.from === undefined || body.to === undefined ? null : { from: new Date(body.from), to: new Date(body.to) };
    const result = await requestSweep(pool, { actor, window, scope: scopeOf(req, actor, body) });
    send(res, result);
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

/** The scope of a key that may be left out. */
function scopeOf(req: Request, actor: SignedInCaller, body: object): KeyScope | null {
  const key = readIdempotencyKey(req.headers['idempotency-key']);
  return key === null ? null : { userId: actor.userId, key, fingerprint: fingerprint('POST', req.path, body) };
}

function send(res: Response, { answer, replayed }: OnceAnswered): void {
  res
    .status(answer.status)
    .set(answer.headers)
    .set(replayed ? { 'Idempotent-Replayed': 'true' } : {})
    .type('application/json')
    .send(answer.body);
}
