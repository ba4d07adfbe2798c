import type { Role } from '@holdfast/shared/http/internal-assertion';
import type { Id, UserId } from '@holdfast/shared/ids';

export type SessionId = Id<'ses'>;

export interface User {
  readonly id: UserId;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

/** Who sends a request, as its access token says. */
export interface SignedIn {
  readonly user: User;
  readonly sessionId: SessionId;
  /** Wall clock, ms: when the token expires. */
  readonly expiresAtMs: number;
}
