import type { Pool } from '@holdfast/shared/db/pool';
import { readOutbox } from '@holdfast/shared/delivery-state/read-outbox';
import type { Express, Request } from 'express';
import type { AssertCaller } from '../border/assertion.ts';
import { requireOperator, type Authenticator } from '../border/authenticate.ts';
import { gatherConsumers, gatherOutboxes, type Asking } from './gather-delivery-state.ts';

export interface DeliveryStateDeps {
  readonly pool: Pool;
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Asking['upstreams'];
}

/** GET /v1/ops/outbox and GET /v1/ops/consumers, for operators. */
export function mountDeliveryState(app: Express, deps: DeliveryStateDeps): void {
  async function asOperator(req: Request): Promise<Asking> {
    const signedIn = requireOperator(await deps.authenticator.authenticate(req));
    return { upstreams: deps.upstreams, assertion: deps.assertCaller(req, signedIn).assertion };
  }
  app.get('/v1/ops/outbox', async (req, res) => {
    res.json(await gatherOutboxes(await asOperator(req), () => readOutbox(deps.pool, 'gateway')));
  });
  app.get('/v1/ops/consumers', async (req, res) => {
    res.json(await gatherConsumers(await asOperator(req)));
  });
}
