import { joinAttention } from '@holdfast/shared/attention/attention-source';
import { brokerAttention } from '@holdfast/shared/attention/broker-attention';
import { integrityAttention } from '@holdfast/shared/attention/integrity-attention';
import { messagingAttention } from '@holdfast/shared/attention/messaging-attention';
import type { Bus } from '@holdfast/shared/bus/bus';
import type { Pool } from '@holdfast/shared/db/pool';
import type { Express, Request, Response } from 'express';
import type { Pool as Upstream } from 'undici';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { gatherAttention } from './gather-attention.ts';

export interface AttentionDeps {
  readonly pool: Pool;
  /** Absent until NATS answers. The gateway asks it for all services. */
  readonly bus: () => Bus | null;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Readonly<Record<string, Upstream>>;
}

/** GET /v1/ops/attention, for operators. */
export function mountAttention(app: Express, deps: AttentionDeps): void {
  const sources = [messagingAttention('gateway', { consumes: false }), integrityAttention('gateway')];
  const own = async () =>
    joinAttention(
      await Promise.all([brokerAttention('gateway', deps.bus()), ...sources.map((source) => source(deps.pool))]),
    );
  app.get('/v1/ops/attention', async (req: Request, res: Response) => {
    const signedIn = requireOperator(await deps.authenticator.authenticate(req));
    const { assertion } = deps.assertCaller(req, signedIn);
    res.json(await gatherAttention(deps.upstreams, assertion, own));
  });
}
