import { createHash, createHmac, randomBytes } from 'node:crypto';
import { keysFor } from '@holdfast/shared/secrets/derived-keys';
import type { Secrets } from '@holdfast/shared/secrets/secret-ring';
import type { Client } from './user.ts';

/** A new refresh token: 256 random bits. */
export function newRefreshToken(): string {
  return `hrt_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a token. It is random, so a plain hash cannot be guessed. */
export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** What is stored of the client that uses a token. Addresses of a phone change on the way, its program does not. */
export function hashClient(client: Client): Buffer {
  return createHash('sha256')
    .update(client.userAgent ?? '')
    .digest();
}

/** The successors of a token, one for each secret of the installation, the current one's first. */
export type SuccessorsOf = (token: string) => readonly string[];

/**
 * Makes the successor of a token from the token itself and a secret of the installation. So a client that lost an answer and asks
 * again gets the same successor, although only hashes are stored; also when the secret changed in between.
 */
export function successorMaker(internalSecret: Secrets): SuccessorsOf {
  const keys = keysFor(internalSecret, 'holdfast refresh token successor');
  return (token) => keys().map((key) => `hrt_${createHmac('sha256', key).update(token).digest('base64url')}`);
}
