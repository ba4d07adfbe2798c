import { loginBody, refreshBody, registerBody } from '@holdfast/shared/contracts/identity';
import { parseBody } from '@holdfast/shared/http/validation';
import type { Pool } from '@holdfast/shared/db/pool';
import { Problem } from '@holdfast/shared/problems';
import type { Express, NextFunction, Request, Response } from 'express';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { readJson } from '../border/read-body.ts';
import { logIn } from './log-in.ts';
import { logOut } from './log-out.ts';
import { toUserJson } from './open-session.ts';
import type { PasswordHasher } from './password.ts';
import type { PreparedIdentity } from './prepare-identity.ts';
import { refreshSession } from './refresh-session.ts';
import { registerUser } from './register-user.ts';
import type { Revocations } from './revocations.ts';
import { readUser } from './read-user.ts';

export interface IdentityDeps {
  readonly pool: Pool;
  readonly hasher: PasswordHasher;
  readonly identity: PreparedIdentity;
  readonly revocations: Revocations;
  readonly authenticator: Authenticator;
  readonly successorOf: (refreshToken: string) => string;
}

/** /v1/auth/* and the public keys. */
export function mountIdentity(app: Express, deps: IdentityDeps): void {
  const { pool, hasher, revocations } = deps;

  app.use('/v1/auth', neverCached);
  app.post('/v1/auth/register', async (req: Request, res: Response) => {
    const input = parseBody(registerBody, (await readJson(req))?.value);
    const outcome = await registerUser({ pool, hasher, keys: deps.identity.keys }, input);
    if (!outcome.ok) throw new Problem(outcome.refusal);
    res.status(201).json(outcome.session);
  });
  app.post('/v1/auth/login', async (req: Request, res: Response) => {
    const input = parseBody(loginBody, (await readJson(req))?.value);
    const outcome = await logIn({ pool, hasher, keys: deps.identity.keys }, input);
    if (!outcome.ok) throw new Problem(outcome.refusal);
    res.json(outcome.session);
  });
  app.post('/v1/auth/refresh', async (req: Request, res: Response) => {
    const input = parseBody(refreshBody, (await readJson(req))?.value);
    const outcome = await refreshSession({ ...deps, keys: deps.identity.keys }, input.refresh_token);
    if (!outcome.ok) throw new Problem(outcome.refusal);
    res.json(outcome.session);
  });
  app.post('/v1/auth/logout', async (req: Request, res: Response) => {
    const input = parseBody(refreshBody, (await readJson(req))?.value);
    await logOut({ pool, revocations }, { refreshToken: input.refresh_token });
    res.status(204).end();
  });
  app.post('/v1/auth/logout-all', async (req: Request, res: Response) => {
    const { user } = requireSignedIn(await deps.authenticator.authenticate(req));
    await logOut({ pool, revocations }, { userId: user.id });
    res.status(204).end();
  });
  app.get('/v1/auth/me', async (req: Request, res: Response) => {
    const signedIn = requireSignedIn(await deps.authenticator.authenticate(req));
    const user = await readUser({ pool }, signedIn.user.id);
    if (!user) throw new Problem('unauthenticated');
    res.json({ user: toUserJson(user) });
  });
  app.get('/.well-known/jwks.json', (_req: Request, res: Response) => {
    res.set('Cache-Control', 'public, max-age=300').json(deps.identity.keys.jwks);
  });
}

function neverCached(_req: Request, res: Response, next: NextFunction): void {
  res.set('Cache-Control', 'no-store');
  next();
}
