import { auditQuery, restoreAuditBody, verifyAuditQuery } from '@holdfast/shared/contracts/audit';
import type { Pool } from '@holdfast/shared/db/pool';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import type { Express, Request } from 'express';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { readJson } from '../border/read-body.ts';
import { findAuditEntry, gatherAudit, gatherVerification, restoreAuditEntry, type Asking } from './gather-audit.ts';

export interface AuditDeps {
  readonly pool: Pool;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Asking['upstreams'];
}

/** Who did what, in all services, for operators. */
export function mountAudit(app: Express, deps: AuditDeps): void {
  async function asOperator(req: Request): Promise<Asking> {
    const signedIn = requireOperator(await deps.authenticator.authenticate(req));
    return { upstreams: deps.upstreams, pool: deps.pool, assertion: deps.assertCaller(req, signedIn).assertion };
  }
  app.get('/v1/ops/audit', async (req, res) => {
    const asking = await asOperator(req);
    res.json(await gatherAudit(asking, parseQuery(auditQuery, req.query)));
  });
  app.get('/v1/ops/audit/verify', async (req, res) => {
    const asking = await asOperator(req);
    res.json(await gatherVerification(asking, parseQuery(verifyAuditQuery, req.query)));
  });
  app.get('/v1/ops/audit/:id', async (req, res) => {
    res.json(await findAuditEntry(await asOperator(req as Request), req.params.id));
  });
  app.post('/v1/ops/audit/:id/restore', async (req: Request<{ id: string }>, res) => {
    const asking = await asOperator(req as Request);
    const body = parseBody(restoreAuditBody, (await readJson(req))?.value);
    res.json(await restoreAuditEntry(asking, req.params.id, body));
  });
}
