import type { Express, Request, Response } from 'express';
import type { AssertCaller } from '../border/assertion.ts';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { gatherTimeline } from './gather-timeline.ts';

export interface TimelineDeps {
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly upstreams: Parameters<typeof gatherTimeline>[0];
}

/** GET /v1/bookings/:id/timeline, for the owner and for operators. */
export function mountTimeline(app: Express, deps: TimelineDeps): void {
  app.get('/v1/bookings/:id/timeline', async (req: Request<{ id: string }>, res: Response) => {
    const signedIn = requireSignedIn(await deps.authenticator.authenticate(req));
    const { assertion } = deps.assertCaller(req, signedIn);
    res.json(await gatherTimeline(deps.upstreams, assertion, req.params.id));
  });
}
