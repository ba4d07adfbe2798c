import type { ServiceIntegrity } from '@holdfast/shared/contracts/integrity';
import type { Auditor } from '@holdfast/shared/integrity/auditor';
import { Problem } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';
import type { Pool as Upstream } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { gatherIntegrity } from './gather-integrity.ts';

export interface IntegrityDeps {
  readonly auditor: Auditor;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Readonly<Record<string, Upstream>>;
}

const PATIENCE_MS = 1_500;

/** GET /v1/ops/integrity and POST /v1/ops/integrity/run, for operators. */
export function mountIntegrity(app: Express, deps: IntegrityDeps): void {
  const answer =
    (method: 'GET' | 'POST', path: string, own: () => Promise<ServiceIntegrity>) =>
    async (req: Request, res: Response): Promise<void> => {
      const signedIn = requireSignedIn(await deps.authenticator.authenticate(req));
      if (signedIn.user.role === 'customer') throw new Problem('forbidden');
      const { assertion } = deps.assertCaller(req, signedIn);
      res.json(await gatherIntegrity(deps.upstreams, { method, path, assertion }, own));
    };
  app.get(
    '/v1/ops/integrity',
    answer('GET', '/internal/integrity', () => deps.auditor.results()),
  );
  app.post(
    '/v1/ops/integrity/run',
    answer('POST', '/internal/integrity/run', () => deps.auditor.runOnDemand(PATIENCE_MS)),
  );
}
