import type { Express, NextFunction, Request, Response } from 'express';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import type { ApiRoute } from '../openapi/route.ts';
import { laneOfRoute, type RequestLimits } from './request-limits.ts';

/**
 * Before all routes: the limits of everybody together and of the sender's address. Calls whose lane has an address limit of its own
 * are not counted there: a busy client behind the same address must not shut out the provider's callbacks or the health checks.
 */
export function limitSenders(limits: RequestLimits, routes: readonly ApiRoute[]) {
  const apart = routes.filter((route) => ['callback', 'health'].includes(laneOfRoute(route)));
  const paths = apart.map(({ method, path }) => `${method} ${path.replace(/:\w+/, '[^/]+')}`);
  const isApart = new RegExp(`^(?:${paths.join('|')})$`, 'i');

  return (req: Request, _res: Response, next: NextFunction): void => {
    if (isApart.test(`${req.method} ${req.path}`)) {
      next();
      return;
    }
    const pending = limits.admitSender(req);
    if (pending) pending.then(() => next(), next);
    else next();
  };
}

/** Before the routes that the gateway carries out itself: the limits of their lanes. Holds ask for theirs on their own. */
export function mountGatewayLanes(
  app: Express,
  routes: readonly ApiRoute[],
  deps: { limits: RequestLimits; authenticator: Authenticator },
): void {
  for (const route of routes) {
    const lane = laneOfRoute(route);
    if (route.target !== 'gateway' || lane === 'checkout') continue;
    app[route.method](route.path, async (req: Request, res: Response, next: NextFunction) => {
      const signedIn = route.access === 'user' ? requireSignedIn(await deps.authenticator.authenticate(req)) : null;
      await deps.limits.admit(lane, req, res, signedIn);
      next();
    });
  }
}
