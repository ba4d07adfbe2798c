import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import type { IdentityEvents, RefusalReason } from '../events.ts';
import { verifyAccessToken } from '../identity/access-tokens.ts';
import type { CsrfGuard } from '../identity/csrf.ts';
import type { PreparedIdentity } from '../identity/prepare-identity.ts';
import type { Revocations } from '../identity/revocations.ts';
import type { RoleChanges } from '../identity/role-changes.ts';
import { accessCookieOf } from '../identity/session-cookies.ts';
import type { TokenMemory } from '../identity/token-memory.ts';
import type { SignedIn } from '../identity/user.ts';

const MAX_TOKEN_LENGTH = 8 * 1024;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;
/** They change nothing, so another site gains nothing by having them sent: it cannot read the answer. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface AuthenticatorDeps {
  readonly identity: PreparedIdentity;
  readonly memory: TokenMemory;
  readonly revocations: Revocations;
  readonly roleChanges: RoleChanges;
  readonly csrf: CsrfGuard;
  readonly events: IdentityEvents;
}

/** Tells who sends a request. A remembered token is answered without a promise, because the hot path asks for each request. */
export class Authenticator {
  readonly #deps: AuthenticatorDeps;

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
  }

  /**
   * Null for a request without Authorization and session cookie. @throws Problem `unauthenticated` for a bad token, also on public
   * routes, or `csrf_refused` when only cookies speak for a request that changes something.
   */
  authenticate(req: IncomingMessage): SignedIn | null | Promise<SignedIn> {
    const header = req.headers.authorization;
    if (header === undefined) return this.#byCookie(req);
    // Node keeps the first of two Authorization headers; which one is meant is not ours to guess.
    if (countAuthorization(req.rawHeaders) > 1) {
      throw this.#badToken('two_authorization_headers', 'more than one Authorization header');
    }
    if (header.length > MAX_TOKEN_LENGTH) throw this.#badToken('token_too_long', 'the token is too long');
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) throw this.#badToken('not_bearer', 'send Authorization: Bearer <access_token>');
    return this.#byToken(token);
  }

  #byToken(token: string): SignedIn | Promise<SignedIn> {
    const remembered = this.#deps.memory.recall(token);
    return remembered ? this.#asOfNow(remembered) : this.#verify(token);
  }

  #byCookie(req: IncomingMessage): SignedIn | null | Promise<SignedIn> {
    if (req.headers.cookie === undefined) return null;
    const token = accessCookieOf(req);
    if (token === undefined || token.length > MAX_TOKEN_LENGTH) return null;
    const signedIn = this.#byToken(token);
    if (SAFE.has(req.method ?? '')) return signedIn;
    return signedIn instanceof Promise
      ? signedIn.then((found) => this.#fromThisSite(req, found))
      : this.#fromThisSite(req, signedIn);
  }

  #fromThisSite(req: IncomingMessage, signedIn: SignedIn): SignedIn {
    this.#deps.csrf.check(req, signedIn.sessionId);
    return signedIn;
  }

  async #verify(token: string): Promise<SignedIn> {
    const signedIn = await verifyAccessToken(this.#deps.identity.keys, token);
    if (!signedIn) throw this.#badToken('token_invalid', 'the access token is not valid or has expired');
    this.#deps.memory.remember(token, signedIn);
    return this.#asOfNow(signedIn);
  }

  /** The token says how things were when it was signed. */
  #asOfNow(signedIn: SignedIn): SignedIn {
    if (this.#deps.revocations.has(signedIn.sessionId)) {
      throw this.#badToken('session_ended', 'the session has ended');
    }
    return this.#deps.roleChanges.applyTo(signedIn);
  }

  #badToken(reason: RefusalReason, detail: string): Problem {
    this.#deps.events.refused(reason);
    return new Problem('unauthenticated', {
      detail,
      headers: { 'WWW-Authenticate': 'Bearer realm="holdfast", error="invalid_token"' },
    });
  }
}

/** @throws Problem `unauthenticated` when the request carries no token. */
export function requireSignedIn(signedIn: SignedIn | null): SignedIn {
  if (!signedIn) throw new Problem('unauthenticated');
  return signedIn;
}

/** @throws Problem `unauthenticated` when the request carries no token, `forbidden` when it is a customer's. */
export function requireOperator(signedIn: SignedIn | null): SignedIn {
  const somebody = requireSignedIn(signedIn);
  if (somebody.user.role === 'customer') throw new Problem('forbidden');
  return somebody;
}

function countAuthorization(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count;
}
