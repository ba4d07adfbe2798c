import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import type { HeaderSink } from './answer-head.ts';
import { allowOrigins } from './cors.ts';
import { allowHosts } from './public-hosts.ts';
import { refuseEarly } from './refuse-early.ts';

/** Says whether the request is answered by its headers already. @throws Problem for what is not let in. */
export type BorderChecks = (req: IncomingMessage, path: string, head: HeaderSink) => boolean;

/** What every request is looked at for, whatever its route. */
export function borderChecks(publicHosts: readonly string[], corsOrigins: readonly string[]): BorderChecks {
  const checkHost = allowHosts(publicHosts);
  const checkOrigin = allowOrigins(corsOrigins);
  return (req, path, head) => {
    refuseEarly(req);
    checkHost(req, path);
    return checkOrigin(req, head);
  };
}

/** The same as a handler of Express. */
export function checkBorder(checks: BorderChecks) {
  return (req: Request, res: Response, next: NextFunction): void => {
    if (checks(req, req.path, res)) res.status(204).end();
    else next();
  };
}
