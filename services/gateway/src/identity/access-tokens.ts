import type { Role } from '@holdfast/shared/http/internal-assertion';
import { isId } from '@holdfast/shared/ids';
import { jwtVerify, SignJWT, errors as joseErrors } from 'jose';
import type { KeyRing } from './signing-keys.ts';
import type { SessionId, SignedIn, User } from './user.ts';

export const ACCESS_TOKEN_SECONDS = 600;
export const ISSUER = 'holdfast';
export const AUDIENCE = 'holdfast-api';
const TYPE = 'at+jwt';
/** A token may be signed a little after the transaction that allowed it, by a process that was held up. */
const SIGNING_MARGIN_SECONDS = 60;
const ROLES: readonly unknown[] = ['customer', 'operator', 'admin'] satisfies Role[];

/** When the last access token that was allowed before `nowMs` has expired (wall clock, ms): until then what it says must be doubted. */
export function accessDeadAtMs(nowMs = Date.now()): number {
  return nowMs + (ACCESS_TOKEN_SECONDS + SIGNING_MARGIN_SECONDS) * 1000;
}

/** A signed access token (RFC 9068) for one user in one session, good for 10 minutes from `nowMs` (wall clock). */
export async function signAccessToken(
  keys: KeyRing,
  user: User,
  sessionId: SessionId,
  nowMs = Date.now(),
): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({ sid: sessionId, role: user.role, name: user.name, email: user.email })
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: keys.current.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(user.id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
    .sign(keys.current.key);
}

/**
 * Who a token speaks for, or null when it is not a genuine, unexpired access token of ours. Algorithm, type, issuer and audience
 * are pinned, and the key comes from our own ring alone, whatever the header names. Header and claims must be written as we write
 * them: a claim that stands there twice is one thing to us and may be another to the next reader.
 */
export async function verifyAccessToken(keys: KeyRing, token: string, nowMs = Date.now()): Promise<SignedIn | null> {
  if (!token.split('.', 2).every(isOurSpelling)) return null;
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        const key = header.kid === undefined ? undefined : keys.verifying.get(header.kid);
        if (!key) throw new joseErrors.JWKSNoMatchingKey();
        return key;
      },
      {
        algorithms: ['EdDSA'],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['exp', 'iat', 'sub', 'sid', 'role', 'name', 'email'],
        currentDate: new Date(nowMs),
      },
    );
    const { sub, sid, role, name, email, exp } = payload;
    if (!isId('usr', sub) || !isId('ses', sid) || !isRole(role)) return null;
    if (typeof name !== 'string' || typeof email !== 'string' || exp === undefined) return null;
    return { user: { id: sub, email, name, role }, sessionId: sid, expiresAtMs: exp * 1000 };
  } catch (error) {
    if (error instanceof joseErrors.JOSEError || error instanceof TypeError) return null;
    throw error;
  }
}

/** Whether a part of a token is the JSON that its values are written in. Names given twice are not, nor is 1e400, which is no number. */
function isOurSpelling(part: string): boolean {
  const text = Buffer.from(part, 'base64url').toString();
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}

function isRole(value: unknown): value is Role {
  return ROLES.includes(value);
}
