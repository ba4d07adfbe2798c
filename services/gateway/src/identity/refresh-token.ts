import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** A new refresh token: 256 random bits. */
export function newRefreshToken(): string {
  return `hrt_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a token. It is random, so a plain hash cannot be guessed. */
export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * Makes the successor of a token from the token itself and a secret of the installation. So a client that lost an answer and asks
 * again gets the same successor, although only hashes are stored.
 */
export function successorMaker(internalSecret: string): (token: string) => string {
  const key = Buffer.from(hkdfSync('sha256', internalSecret, '', 'holdfast refresh token successor', 32));
  return (token) => `hrt_${createHmac('sha256', key).update(token).digest('base64url')}`;
}
