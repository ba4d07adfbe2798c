import { Problem } from '@holdfast/shared/problems';
import type { NextFunction, Request, Response, Express } from 'express';
import { readJson } from '../border/read-body.ts';
import { addressKey } from './address-key.ts';
import { LoginGate, type Pass } from './gate-logins.ts';
import type { Attempt, AttemptLimits, AttemptPolicies, AttemptRefusal } from './limit-attempts.ts';
import { rateLimited, type RequestLimits } from './request-limits.ts';

/** Which calls are counted as attempts, and which field of the body names the account. */
const ATTEMPTS: Readonly<Record<string, AttemptPolicies & { readonly field: string | null }>> = {
  '/v1/auth/register': { account: 'register_account', address: 'register_address', field: 'email' },
  '/v1/auth/login': { account: 'login_account', address: 'login_address', field: 'email' },
  '/v1/auth/refresh': { account: 'refresh_session', address: 'refresh_address', field: 'refresh_token' },
  '/v1/auth/verify-email': { account: 'reset_account', address: 'reset_address', field: null },
  '/v1/auth/password/forgot': { account: 'reset_account', address: 'reset_address', field: 'email' },
  '/v1/auth/password/reset': { account: 'reset_account', address: 'reset_address', field: null },
};

export interface AttemptRoutesDeps {
  readonly attempts: AttemptLimits;
  readonly limits: RequestLimits;
  readonly addressOf: (req: Request) => string;
}

const LOGIN = '/v1/auth/login';

/**
 * Puts the limits of attempts before the routes that `mountRoutes` mounts: they run only when the attempt may be made. A wrong
 * password is counted before its answer is sent, so the next guess finds it counted at whichever gateway it comes.
 */
export function mountAttemptLimits(app: Express, deps: AttemptRoutesDeps, mountRoutes: () => void): void {
  const gate = new LoginGate(deps.attempts);
  const passes = new WeakMap<Request, Pass>();
  const refuse = (req: Request, refusal: AttemptRefusal): never => {
    deps.limits.noteRefusal(req, refusal.policy.name);
    throw rateLimited(refusal.policy, { ok: false, left: 0, waitMs: refusal.waitMs });
  };

  for (const [path, kind] of Object.entries(ATTEMPTS)) {
    app.post(path, async (req: Request, res: Response, next: NextFunction) => {
      const attempt = await attemptOf(req, kind.field, deps.addressOf);
      const refusal = await deps.attempts.count(kind, attempt);
      if (refusal) refuse(req, refusal);
      if (path === LOGIN) {
        const entered = await gate.enter(attempt);
        if (entered.refusal) refuse(req, entered.refusal);
        else {
          passes.set(req, entered.pass);
          res.on('close', () => void entered.pass.leave(false));
        }
      }
      next();
    });
  }
  mountRoutes();
  // Express tells an error handler by its four parameters.
  app.use(LOGIN, async (error: unknown, req: Request, _res: Response, next: NextFunction) => {
    await passes.get(req)?.leave(error instanceof Problem && error.code === 'invalid_credentials');
    next(error);
  });
}

/** The account is taken as it was written, but for capitals: whether there is such an account plays no part. */
async function attemptOf(req: Request, field: string | null, addressOf: (req: Request) => string): Promise<Attempt> {
  const body = (await readJson(req))?.value as Record<string, unknown> | undefined;
  const account = field === null ? undefined : body?.[field];
  return {
    account: typeof account === 'string' ? account.trim().toLowerCase().slice(0, 1_000) : null,
    address: addressKey(addressOf(req)),
  };
}
