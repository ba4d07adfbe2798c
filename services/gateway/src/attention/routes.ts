import { joinAttention } from '@holdfast/shared/attention/attention-source';
import { integrityAttention } from '@holdfast/shared/attention/integrity-attention';
import { messagingAttention } from '@holdfast/shared/attention/messaging-attention';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Express, Request, Response } from 'express';
import type { Pool as Upstream } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { gatherAttention } from './gather-attention.ts';

export interface AttentionDeps {
  readonly pool: Pool;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Readonly<Record<string, Upstream>>;
}

/** GET /v1/ops/attention, for operators. */
export function mountAttention(app: Express, deps: AttentionDeps): void {
  const sources = [messagingAttention('gateway', { consumes: false }), integrityAttention('gateway')];
  const own = async () => joinAttention(await Promise.all(sources.map((source) => source(deps.pool))));
  app.get('/v1/ops/attention', async (req: Request, res: Response) => {
    const signedIn = requireOperator(await deps.authenticator.authenticate(req));
    const { assertion } = deps.assertCaller(req, signedIn);
    res.json(await gatherAttention(deps.upstreams, assertion, own));
  });
}
