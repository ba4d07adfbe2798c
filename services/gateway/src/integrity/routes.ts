import type { ServiceIntegrity } from '@holdfast/shared/contracts/integrity';
import type { Auditor } from '@holdfast/shared/integrity/auditor';
import type { Express, Request, Response } from 'express';
import type { Pool as Upstream } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { gatherIntegrity } from './gather-integrity.ts';

export interface IntegrityDeps {
  readonly auditor: Auditor;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Readonly<Record<string, Upstream>>;
}

/** GET /v1/ops/integrity and POST /v1/ops/integrity/run, for operators. */
export function mountIntegrity(app: Express, deps: IntegrityDeps): void {
  const answer =
    (method: 'GET' | 'POST', path: string, own: () => Promise<ServiceIntegrity>) =>
    async (req: Request, res: Response): Promise<void> => {
      const signedIn = requireOperator(await deps.authenticator.authenticate(req));
      const { assertion } = deps.assertCaller(req, signedIn);
      res.json(await gatherIntegrity(deps.upstreams, { method, path, assertion }, own));
    };
  app.get(
    '/v1/ops/integrity',
    answer('GET', '/internal/integrity', () => deps.auditor.results()),
  );
  app.post(
    '/v1/ops/integrity/run',
    answer('POST', '/internal/integrity/run', () => deps.auditor.runOnDemand()),
  );
}
