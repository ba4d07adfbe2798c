import type { Request } from 'express';
import type { UserId } from '../ids.ts';
import { fingerprint, readIdempotencyKey } from './idempotency-key.ts';
import type { KeyScope } from './idempotency-store.ts';

/**
 * What the key of a POST stands for, of a route that takes one and does not ask for it; null for a call without. `body` as it was parsed.
 * @throws Problem `idempotency_key_invalid`.
 */
export function optionalScope(req: Request, userId: UserId, body: object): KeyScope | null {
  const key = readIdempotencyKey(req.headers['idempotency-key']);
  if (key === null) return null;
  // The whole path, wherever the router is mounted.
  return { userId, key, fingerprint: fingerprint('POST', req.baseUrl + req.path, body) };
}
