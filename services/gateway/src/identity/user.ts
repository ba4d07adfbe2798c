import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { Id, UserId } from '@holdfast/shared/ids';

export type SessionId = Id<'ses'>;

export interface User {
  readonly id: UserId;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

/** A user as stored, without the password. */
export interface Account extends User {
  readonly emailVerified: boolean;
}

/** Who sends a request, as its access token says. */
export interface SignedIn {
  readonly user: User;
  readonly sessionId: SessionId;
  /** Wall clock, ms: when the token expires. */
  readonly expiresAtMs: number;
}

/** The program at the other end, as far as it tells of itself. */
export interface Client {
  /** Its User-Agent, at most 256 characters. */
  readonly userAgent: string | null;
  readonly address: string;
}

export function toUserJson(user: Account) {
  return { id: user.id, email: user.email, name: user.name, role: user.role, email_verified: user.emailVerified };
}
