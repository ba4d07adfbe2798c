import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import type { Express, Request, Response } from 'express';
import type { HeaderSink } from '../border/answer-head.ts';
import type { AssertCaller } from '../border/assertion.ts';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { readBytes, readJson, readRaw, WEBHOOK_LIMIT_BYTES } from '../border/read-body.ts';
import { PARAMETER } from '../openapi/find-route.ts';
import { pathParameters, type ApiRoute } from '../openapi/route.ts';
import { laneOfRoute, type RequestLimits } from '../rate-limit/request-limits.ts';
import { forwardRequest } from './forward-request.ts';
import type { ServiceLink } from './service-link.ts';

const TIME_LIMIT_MS = 2_500;

export interface ProxyDeps {
  readonly authenticator: Authenticator;
  readonly assertCaller: AssertCaller;
  readonly limits: RequestLimits;
  /** `checkout`: to booking, for what a purchase needs. */
  readonly links: Readonly<Record<'booking' | 'payment' | 'notification' | 'checkout', ServiceLink>>;
}

export interface Passage {
  /** As the service sees it, with the query. */
  readonly path: string;
  readonly head: HeaderSink;
  /** Headers of the answer that are not set yet: names and values by turns. */
  readonly answerHeaders: string[];
}

/** Lets a request through to the service that carries its route out. @throws Problem for what is not let through. */
export type Passing = (req: IncomingMessage, res: ServerResponse, passage: Passage) => Promise<void>;

/** Mounts every route of the table that a service carries out. */
export function mountProxy(app: Express, passings: ReadonlyMap<ApiRoute, Passing>): void {
  for (const [route, pass] of passings) {
    const names = pathParameters(route.path);
    app[route.method](route.path, (req: Request, res: Response) =>
      pass(req, res, { path: servicePath(route.path, names, req), head: res, answerHeaders: [] }),
    );
  }
}

/** How each route of the table that a service carries out is passed on, in the order of the table. */
export function passingsOf(routes: readonly ApiRoute[], deps: ProxyDeps): ReadonlyMap<ApiRoute, Passing> {
  return new Map(
    routes.flatMap((route) => (route.target === 'gateway' ? [] : [[route, passingOf(route, route.target, deps)]])),
  );
}

function passingOf(route: ApiRoute, target: Exclude<ApiRoute['target'], 'gateway'>, deps: ProxyDeps): Passing {
  const lane = laneOfRoute(route);
  const link = lane === 'checkout' && target === 'booking' ? deps.links.checkout : deps.links[target];
  const timeLimitMs = route.timeLimitMs ?? TIME_LIMIT_MS;
  const webhook = route.access === 'callback';
  const repeatable = route.method === 'get' || webhook || route.idempotency === 'required';
  return async (req, res, { path, head, answerHeaders }) => {
    // What is known already is not waited for: each wait is a turn of its own, and this is the hot path.
    const known = webhook ? null : deps.authenticator.authenticate(req);
    const sender = known instanceof Promise ? await known : known;
    const signedIn = route.access === 'user' ? requireSignedIn(sender) : sender;
    const admitted = deps.limits.admit(lane, req, head, signedIn);
    if (admitted) await admitted;
    const body = await bodyFor(route, req);
    await forwardRequest(deps.assertCaller, req, res, {
      link,
      service: target,
      path,
      signedIn,
      body,
      timeLimitMs,
      webhook,
      repeatable,
      answerHeaders,
    });
  };
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

async function bodyFor(route: ApiRoute, req: IncomingMessage): Promise<string | Buffer | null> {
  if (req.method === 'GET' || req.method === 'HEAD') return null;
  // A signature is taken over the bytes as they came: they are not looked at here.
  if (route.access === 'callback') return readBytes(req, WEBHOOK_LIMIT_BYTES);
  if (route.rawBody) return readRaw(req, route.rawBody);
  return (await readJson(req))?.text ?? null;
}
