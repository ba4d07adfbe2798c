import type { IncomingMessage } from 'node:http';
import type { Express, NextFunction, Request, Response } from 'express';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import type { ApiRoute } from '../openapi/route.ts';
import { laneOfRoute, type RequestLimits } from './request-limits.ts';

/** @throws Problem `rate_limited`, at once or later. */
export type AdmitSender = (req: IncomingMessage, path: string) => void | Promise<void>;

/**
 * Before all routes: the limits of everybody together and of the sender's address. Calls whose lane has an address limit of its own
 * are not counted there: a busy client behind the same address must not shut out the provider's callbacks or the health checks.
 */
export function senderLimits(limits: RequestLimits, routes: readonly ApiRoute[]): AdmitSender {
  const apart = routes.filter((route) => ['callback', 'health'].includes(laneOfRoute(route)));
  const paths = apart.map(({ method, path }) => `${method} ${path.replace(/:\w+/, '[^/]+')}`);
  const isApart = new RegExp(`^(?:${paths.join('|')})$`, 'i');

  return (req, path) => (isApart.test(`${req.method} ${path}`) ? undefined : limits.admitSender(req));
}

/** The same as a handler of Express. */
export function limitSenders(admitSender: AdmitSender) {
  return (req: Request, _res: Response, next: NextFunction): void => {
    const pending = admitSender(req, req.path);
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
