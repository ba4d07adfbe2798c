import type { IncomingMessage } from 'node:http';
import { Problem } from '@holdfast/shared/problems';
import { verifyAccessToken } from '../identity/access-tokens.ts';
import type { PreparedIdentity } from '../identity/prepare-identity.ts';
import type { Revocations } from '../identity/revocations.ts';
import type { TokenMemory } from '../identity/token-memory.ts';
import type { SignedIn } from '../identity/user.ts';

const MAX_TOKEN_LENGTH = 8 * 1024;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

/** Tells who sends a request. A remembered token is answered without a promise, because the hot path asks for each request. */
export class Authenticator {
  readonly #identity: PreparedIdentity;
  readonly #memory: TokenMemory;
  readonly #revocations: Revocations;

  constructor(identity: PreparedIdentity, memory: TokenMemory, revocations: Revocations) {
    this.#identity = identity;
    this.#memory = memory;
    this.#revocations = revocations;
  }

  /** Null for a request without Authorization. @throws Problem `unauthenticated` for a bad token, also on public routes. */
  authenticate(req: IncomingMessage): SignedIn | null | Promise<SignedIn> {
    const header = req.headers.authorization;
    if (header === undefined) return null;
    // Node keeps the first of two Authorization headers; which one is meant is not ours to guess.
    if (countAuthorization(req.rawHeaders) > 1) throw badToken('more than one Authorization header');
    if (header.length > MAX_TOKEN_LENGTH) throw badToken('the token is too long');
    const token = BEARER.exec(header)?.[1];
    if (token === undefined) throw badToken('send Authorization: Bearer <access_token>');
    const remembered = this.#memory.recall(token);
    return remembered ? this.#unlessRevoked(remembered) : this.#verify(token);
  }

  async #verify(token: string): Promise<SignedIn> {
    const signedIn = await verifyAccessToken(this.#identity.keys, token);
    if (!signedIn) throw badToken('the access token is not valid or has expired');
    this.#memory.remember(token, signedIn);
    return this.#unlessRevoked(signedIn);
  }

  #unlessRevoked(signedIn: SignedIn): SignedIn {
    if (this.#revocations.has(signedIn.sessionId)) throw badToken('the session has ended');
    return signedIn;
  }
}

/** @throws Problem `unauthenticated` when the request carries no token. */
export function requireSignedIn(signedIn: SignedIn | null): SignedIn {
  if (!signedIn) throw new Problem('unauthenticated');
  return signedIn;
}

function badToken(detail: string): Problem {
  return new Problem('unauthenticated', {
    detail,
    headers: { 'WWW-Authenticate': 'Bearer realm="holdfast", error="invalid_token"' },
  });
}

function countAuthorization(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  return count;
}
