import type { NextFunction, Request, Response } from 'express';
import { newId, type RequestId, type UserId } from '../ids.ts';
import type { Secrets } from '../secrets/secret-ring.ts';
import { Problem } from '../problems.ts';
import { ASSERTION_HEADER, verifyAssertion, type Caller, type Role } from './internal-assertion.ts';

const callers = new WeakMap<Request, Caller>();

/** Lets a request into a service only with a genuine assertion of the gateway. */
export function requireAssertion(secrets: Secrets) {
  return (req: Request, _res: Response, next: NextFunction): void => {
    const header = req.headers[ASSERTION_HEADER];
    const caller = verifyAssertion(secrets, Array.isArray(header) ? undefined : header);
    if (!caller) throw new Problem('unauthenticated', { detail: 'services answer to the gateway only' });
    callers.set(req, caller);
    next();
  };
}

/** Who calls, as the gateway vouches for it. Only behind `requireAssertion`. */
export function callerOf(req: Request): Caller {
  const caller = callers.get(req);
  if (!caller) throw new Error('route mounted without requireAssertion');
  return caller;
}

/** The request id of the gateway, or a new one for a request that came without. */
export function requestIdOf(req: Request): RequestId {
  return callers.get(req)?.requestId ?? newId('req');
}

export type SignedInCaller = Caller & { userId: UserId; role: Role };

/** @throws Problem `unauthenticated` when nobody is signed in. */
export function requireUser(req: Request): SignedInCaller {
  const caller = callerOf(req);
  if (caller.userId === null || caller.role === null) throw new Problem('unauthenticated');
  return caller as SignedInCaller;
}

/** For what the gateway asks in its own name: a role, and nobody who has it. @throws Problem `forbidden`. */
export function requireOwnQuestion(req: Request): void {
  const { userId, role } = callerOf(req);
  if (userId !== null || role !== 'operator') throw new Problem('forbidden');
}

/** @throws Problem `unauthenticated` or `forbidden`. */
export function requireRole(req: Request, ...roles: Role[]): SignedInCaller {
  const caller = requireUser(req);
  if (!roles.includes(caller.role)) throw new Problem('forbidden');
  return caller;
}
