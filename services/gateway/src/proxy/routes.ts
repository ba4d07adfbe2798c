import { Problem } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';
import type { AssertCaller } from '../border/assertion.ts';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { readBytes, readJson, readRaw, WEBHOOK_LIMIT_BYTES } from '../border/read-body.ts';
import type { SignedIn } from '../identity/user.ts';
import { pathParameters, type ApiRoute } from '../openapi/route.ts';
import { laneOfRoute, type RequestLimits } from '../rate-limit/request-limits.ts';
import { forwardRequest } from './forward-request.ts';
import type { ServiceLink } from './service-link.ts';

const TIME_LIMIT_MS = 2_500;

/** Ids, references and provider names; anything else cannot name a thing and must not shape the path that a service sees. */
const PARAMETER = /^[A-Za-z0-9_-]{1,64}$/;

export interface ProxyDeps {
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly limits: RequestLimits;
  /** `checkout`: to booking, for what a purchase needs. */
  readonly links: Readonly<Record<'booking' | 'payment' | 'notification' | 'checkout', ServiceLink>>;
}

/** Mounts every route of the table that a service carries out. */
export function mountProxy(app: Express, routes: readonly ApiRoute[], deps: ProxyDeps): void {
  for (const route of routes) {
    const { target } = route;
    if (target === 'gateway') continue;
    const names = pathParameters(route.path);
    const lane = laneOfRoute(route);
    app[route.method](route.path, async (req: Request, res: Response) => {
      const path = servicePath(route.path, names, req);
      const signedIn = await signedInFor(route, deps.authenticator, req);
      await deps.limits.admit(lane, req, res, signedIn);
      await forwardRequest(deps.assertCaller, req, res, {
        link: lane === 'checkout' && target === 'booking' ? deps.links.checkout : deps.links[target],
        service: target,
        path,
        signedIn,
        body: await bodyFor(route, req),
        timeLimitMs: route.timeLimitMs ?? TIME_LIMIT_MS,
        webhook: route.access === 'callback',
        repeatable: route.method === 'get' || route.access === 'callback' || route.idempotency === 'required',
      });
    });
  }
}

/** Builds the path anew from the matched pattern, so that `..`, `//` and encoded letters end here. */
function servicePath(pattern: string, names: readonly string[], req: Request): string {
  let path = pattern;
  for (const name of names) {
    const value = req.params[name];
    if (typeof value !== 'string' || !PARAMETER.test(value)) throw new Problem('not_found');
    path = path.replace(`:${name}`, value);
  }
  const query = req.url.indexOf('?');
  return query < 0 ? path : path + req.url.slice(query);
}

async function signedInFor(route: ApiRoute, authenticator: Authenticator, req: Request): Promise<SignedIn | null> {
  if (route.access === 'callback') return null;
  const signedIn = await authenticator.authenticate(req);
  return route.access === 'user' ? requireSignedIn(signedIn) : signedIn;
}

async function bodyFor(route: ApiRoute, req: Request): Promise<string | Buffer | null> {
  if (req.method === 'GET' || req.method === 'HEAD') return null;
  // A signature is taken over the bytes as they came: they are not looked at here.
  if (route.access === 'callback') return readBytes(req, WEBHOOK_LIMIT_BYTES);
  if (route.rawBody) return readRaw(req, route.rawBody);
  return (await readJson(req))?.text ?? null;
}
