import { restoreAuditBody } from '@holdfast/shared/contracts/audit';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { Router, type Request } from 'express';
import { etagOf } from '../etag.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import { undoChange } from './undo-change.ts';

/** POST /audit/:id/restore, to be mounted at /internal behind requireAssertion: for the gateway's /v1/ops/audit/:id/restore. */
export function undoRoutes(deps: CatalogueDeps & { readonly quoting: boolean }): Router {
  const router = Router();
  router.post('/audit/:id/restore', requireJson, jsonBody(), async (req: Request<{ id: string }>, res) => {
    const caller = requireRole(req as Request, 'admin');
    const { reason = null } = parseBody(restoreAuditBody, req.body);
    const object = await undoChange(deps, { caller, id: req.params.id, reason });
    res.set('ETag', etagOf(object.version)).json(object);
  });
  return router;
}
