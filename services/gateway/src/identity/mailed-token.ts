import { createHash, randomBytes } from 'node:crypto';

/** A new token to be sent by mail: 256 random bits. */
export function newMailedToken(): string {
  return `hmt_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of it. */
export function hashMailedToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
