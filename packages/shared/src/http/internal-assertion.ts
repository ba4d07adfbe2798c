import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RequestId, UserId } from '../ids.ts';
import { allSecrets, currentSecret, type Secrets } from '../secrets/secret-ring.ts';

export type Role = 'customer' | 'operator' | 'admin';

/** A user as the gateway knows it. */
export interface Customer {
  readonly userId: UserId;
  readonly email: string;
  readonly name: string;
}

/**
 * What the gateway tells a service about the caller. It is signed, so a service believes nothing else: headers of clients are
 * stripped at the gateway and a direct call without an assertion is refused.
 */
export interface Caller {
  /** Null for a call without sign-in. */
  readonly userId: UserId | null;
  readonly role: Role | null;
  readonly email: string | null;
  readonly name: string | null;
  /** The client's address as the gateway sees it, through configured proxies only. */
  readonly address: string;
  readonly requestId: RequestId;
  readonly traceparent: string;
  /** For whom the caller, an operator, acts; absent when for nobody else. */
  readonly customer?: Customer;
}

export const ASSERTION_HEADER = 'holdfast-assertion';
const LIFETIME_MS = 30_000;

/** Signs a caller for 30 s with the current secret: `<payload>.<hmac>`, both base64url. */
export function signAssertion(secrets: Secrets, caller: Caller, nowMs = Date.now()): string {
  const payload = Buffer.from(JSON.stringify({ ...caller, exp: nowMs + LIFETIME_MS })).toString('base64url');
  return `${payload}.${mac(currentSecret(secrets), payload)}`;
}

/** The caller of a genuine, unexpired assertion under any of the secrets, else null. */
export function verifyAssertion(secrets: Secrets, assertion: string | undefined, nowMs = Date.now()): Caller | null {
  if (assertion === undefined) return null;
  const dot = assertion.indexOf('.');
  if (dot < 0) return null;
  const payload = assertion.slice(0, dot);
  const given = Buffer.from(assertion.slice(dot + 1));
  const isGenuine = allSecrets(secrets).some((secret) => {
    const expected = Buffer.from(mac(secret, payload));
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!isGenuine) return null;
  const { exp, ...caller } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Caller & { exp: number };
  return exp > nowMs ? caller : null;
}

function mac(secret: string, payload: string): string {
  return createHmac('sha256', secret).update(payload).digest('base64url');
}
