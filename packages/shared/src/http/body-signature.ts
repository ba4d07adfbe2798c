import { createHmac, timingSafeEqual } from 'node:crypto';

export const SIGNATURE_HEADER = 'holdfast-signature';

/** A secret that two programs share, under a name that may be shown. */
export interface SigningKey {
  readonly id: string;
  readonly secret: string;
}

export interface BodySignature {
  readonly keyId: string;
  readonly value: string;
}

/**
 * Signs a body as it goes over the wire, with HMAC-SHA-256. `purpose` keeps a signed message of one kind from being sent back as one of
 * another kind. The value of the header: `key_id=<id>,v1=<base64url>`.
 */
export function signBody(key: SigningKey, purpose: string, body: string | Buffer): string {
  return `key_id=${key.id},v1=${mac(key, purpose, body)}`;
}

/** The signature of a body that one of `keys` made, else null. Compared in constant time. */
export function verifyBody(
  keys: readonly SigningKey[],
  purpose: string,
  body: string | Buffer,
  header: string | undefined,
): BodySignature | null {
  const match = /^key_id=([A-Za-z0-9_.-]{1,64}),v1=([A-Za-z0-9_-]{43})$/.exec(header ?? '');
  if (!match) return null;
  const [, keyId, value] = match as unknown as [string, string, string];
  const key = keys.find(({ id }) => id === keyId);
  if (!key) return null;
  return timingSafeEqual(Buffer.from(value), Buffer.from(mac(key, purpose, body))) ? { keyId, value } : null;
}

function mac(key: SigningKey, purpose: string, body: string | Buffer): string {
  return createHmac('sha256', key.secret).update(`${purpose}\n${key.id}\n`).update(body).digest('base64url');
}
