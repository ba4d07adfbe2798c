import {
  changeRoleBody,
  forgotPasswordBody,
  loginBody,
  refreshBody,
  registerBody,
  resetPasswordBody,
  rotateSigningKeyBody,
  userListQuery,
  verifyEmailBody,
} from '@holdfast/shared/contracts/identity';
import type { Pool } from '@holdfast/shared/db/pool';
import { pageQuery } from '@holdfast/shared/http/pagination';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import type { Express, NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { requireSignedIn, type Authenticator } from '../border/authenticate.ts';
import { readJson } from '../border/read-body.ts';
import { requestIdOf } from '../border/request-context.ts';
import type { IdentityEvents } from '../events.ts';
import { answerSession } from './answer-session.ts';
import { changeRole } from './change-role.ts';
import type { CsrfGuard } from './csrf.ts';
import { listSessions } from './list-sessions.ts';
import { listUsers } from './list-users.ts';
import { logIn } from './log-in.ts';
import { logOut } from './log-out.ts';
import type { PasswordHasher } from './password.ts';
import type { PreparedIdentity } from './prepare-identity.ts';
import { readUser } from './read-user.ts';
import { refreshSession } from './refresh-session.ts';
import type { SuccessorsOf } from './refresh-token.ts';
import { registerUser } from './register-user.ts';
import { requestPasswordReset } from './request-password-reset.ts';
import { resetPassword } from './reset-password.ts';
import type { Revocations } from './revocations.ts';
import type { RoleChanges } from './role-changes.ts';
import { rotateSigningKey } from './rotate-signing-key.ts';
import { clearSessionCookies, prefersCookies, refreshCookieOf } from './session-cookies.ts';
import { toUserJson, type Client, type SignedIn } from './user.ts';
import { verifyEmail } from './verify-email.ts';

export interface IdentityDeps {
  readonly pool: Pool;
  readonly hasher: PasswordHasher;
  readonly identity: PreparedIdentity;
  readonly revocations: Revocations;
  readonly roleChanges: RoleChanges;
  readonly authenticator: Authenticator;
  readonly csrf: CsrfGuard;
  readonly sealer: Sealer;
  readonly events: IdentityEvents;
  readonly successorsOf: SuccessorsOf;
  readonly clientOf: (req: Request) => Client;
  /** Call after a commit that wrote to the outbox. */
  readonly nudgeRelay: () => void;
  /** Call after a commit that wrote down a wish for a new password. */
  readonly nudgeMailer: () => void;
}

const sessionsQuery = z.strictObject(pageQuery);

/** /v1/auth/*, /v1/users/:id/role and the public keys. */
export function mountIdentity(app: Express, deps: IdentityDeps): void {
  app.use(['/v1/auth', '/v1/users', '/v1/signing-keys'], neverCached);
  mountSignIn(app, deps);
  mountSessions(app, deps);
  mountMailedTokens(app, deps);
  mountAdministration(app, deps);
  app.get('/.well-known/jwks.json', (_req: Request, res: Response) => {
    res.set('Cache-Control', 'public, max-age=60').json(deps.identity.keys.jwks);
  });
}

function mountSignIn(app: Express, deps: IdentityDeps): void {
  app.post('/v1/auth/register', async (req: Request, res: Response) => {
    const input = parseBody(registerBody, (await readJson(req))?.value);
    refuseForeignCookies(req, deps);
    const outcome = await registerUser(
      { ...deps, keys: deps.identity.keys },
      input,
      deps.clientOf(req),
      requestIdOf(req),
    );
    if (!outcome.ok) throw refusal(deps, outcome.refusal);
    answerSession(req, res, deps.csrf, outcome, 201);
  });
  app.post('/v1/auth/login', async (req: Request, res: Response) => {
    const input = parseBody(loginBody, (await readJson(req))?.value);
    refuseForeignCookies(req, deps);
    const outcome = await logIn({ ...deps, keys: deps.identity.keys }, input, deps.clientOf(req));
    if (!outcome.ok) throw refusal(deps, outcome.refusal);
    answerSession(req, res, deps.csrf, outcome);
  });
  app.post('/v1/auth/refresh', async (req: Request, res: Response) => {
    const token = await refreshTokenOf(req, deps);
    const outcome = await refreshSession({ ...deps, keys: deps.identity.keys }, token, deps.clientOf(req));
    if (!outcome.ok) {
      if (outcome.refusal === 'refresh_invalid') throw refusal(deps, outcome.refusal);
      deps.events.refreshReused(outcome.revoked);
      throw new Problem(outcome.refusal);
    }
    answerSession(req, res, deps.csrf, outcome);
  });
  app.post('/v1/auth/logout', async (req: Request, res: Response) => {
    await logOut(deps, { refreshToken: await refreshTokenOf(req, deps) });
    clearSessionCookies(res);
    res.status(204).end();
  });
}

function mountSessions(app: Express, deps: IdentityDeps): void {
  app.post('/v1/auth/logout-all', async (req: Request, res: Response) => {
    const { user } = await signedInOf(req, deps);
    await logOut(deps, { userId: user.id });
    clearSessionCookies(res);
    res.status(204).end();
  });
  app.get('/v1/auth/me', async (req: Request, res: Response) => {
    const signedIn = await signedInOf(req, deps);
    const user = await readUser(deps, signedIn.user.id);
    if (!user) throw new Problem('unauthenticated');
    res.json({ user: toUserJson(user) });
  });
  app.get('/v1/auth/sessions', async (req: Request, res: Response) => {
    const signedIn = await signedInOf(req, deps);
    res.json(await listSessions(deps, signedIn, parseQuery(sessionsQuery, req.query)));
  });
  app.delete('/v1/auth/sessions/:id', async (req: Request, res: Response) => {
    const { user } = await signedInOf(req, deps);
    const { id } = req.params;
    if (!isId('ses', id)) throw new Problem('not_found');
    const ended = await logOut(deps, { userId: user.id, sessionId: id });
    if (ended.length === 0) throw new Problem('not_found');
    res.status(204).end();
  });
}

function mountMailedTokens(app: Express, deps: IdentityDeps): void {
  app.post('/v1/auth/verify-email', async (req: Request, res: Response) => {
    const { token } = parseBody(verifyEmailBody, (await readJson(req))?.value);
    await counted(deps, verifyEmail(deps, token));
    res.status(204).end();
  });
  app.post('/v1/auth/password/forgot', async (req: Request, res: Response) => {
    const { email } = parseBody(forgotPasswordBody, (await readJson(req))?.value);
    await requestPasswordReset(deps, email, requestIdOf(req));
    res.status(204).end();
  });
  app.post('/v1/auth/password/reset', async (req: Request, res: Response) => {
    const input = parseBody(resetPasswordBody, (await readJson(req))?.value);
    deps.events.passwordReset(await counted(deps, resetPassword(deps, input, requestIdOf(req))));
    res.status(204).end();
  });
}

function mountAdministration(app: Express, deps: IdentityDeps): void {
  app.get('/v1/users', async (req: Request, res: Response) => {
    const { user: actor } = await signedInOf(req, deps);
    if (actor.role === 'customer') throw new Problem('forbidden');
    res.set('Cache-Control', 'no-store').json(await listUsers(deps, parseQuery(userListQuery, req.query)));
  });
  app.patch('/v1/users/:id/role', async (req: Request, res: Response) => {
    const { user: actor } = await signedInOf(req, deps);
    if (actor.role !== 'admin') throw new Problem('forbidden');
    const json = await readJson(req);
    const { id } = req.params;
    if (!isId('usr', id)) throw new Problem('not_found');
    const { role } = parseBody(changeRoleBody, json?.value);
    const user = await changeRole(deps, { userId: id, role, actor, requestId: requestIdOf(req) });
    deps.events.roleChanged(user.id, user.role, actor.id);
    res.json(toUserJson(user));
  });
  app.post('/v1/signing-keys/rotate', async (req: Request, res: Response) => {
    const { user: actor } = await signedInOf(req, deps);
    if (actor.role !== 'admin') throw new Problem('forbidden');
    parseBody(rotateSigningKeyBody, (await readJson(req))?.value);
    const { kid, signsFrom } = await rotateSigningKey(deps, actor, requestIdOf(req));
    deps.events.signingKeyRotated(kid, actor.id);
    res.status(201).json({ kid, object: 'signing_key', signs_from: signsFrom.toISOString() });
  });
}

async function signedInOf(req: Request, deps: IdentityDeps): Promise<SignedIn> {
  return requireSignedIn(await deps.authenticator.authenticate(req));
}

/** The refresh token of the body, or that of the cookie for a request of this site. @throws Problem `csrf_refused` or `validation_failed`. */
async function refreshTokenOf(req: Request, deps: IdentityDeps): Promise<string> {
  const { refresh_token: given } = parseBody(refreshBody, (await readJson(req))?.value);
  if (given !== undefined) return given;
  const kept = refreshCookieOf(req);
  if (kept === undefined || kept.length > 512) {
    throw new Problem('validation_failed', {
      errors: [{ pointer: '/refresh_token', code: 'missing', message: 'is required without a session cookie' }],
    });
  }
  deps.csrf.check(req);
  return kept;
}

/** A sign-in that another site has a browser make would put its user into somebody else's session. */
function refuseForeignCookies(req: Request, deps: IdentityDeps): void {
  if (prefersCookies(req)) deps.csrf.checkSite(req);
}

function refusal(deps: IdentityDeps, code: 'email_taken' | 'invalid_credentials' | 'refresh_invalid'): Problem {
  deps.events.refused(code);
  return new Problem(code);
}

/** Counts a token of a mail that did not work. */
async function counted<T>(deps: IdentityDeps, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Problem && error.code === 'mailed_token_invalid') deps.events.refused('mailed_token_invalid');
    throw error;
  }
}

function neverCached(_req: Request, res: Response, next: NextFunction): void {
  res.set('Cache-Control', 'no-store');
  next();
}
