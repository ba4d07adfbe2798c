import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { ACCESS_TOKEN_SECONDS, signAccessToken } from './access-tokens.ts';
import { hashRefreshToken, newRefreshToken } from './refresh-token.ts';
import { insertSession } from './session-store.ts';
import type { KeyRing } from './signing-keys.ts';
import type { SessionId, User } from './user.ts';

/** The answer of register, login and refresh. */
export interface SessionAnswer {
  readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly role: string };
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly refresh_token: string;
}

/** Starts a session in the caller's transaction. */
export async function openSession(tx: Tx, user: User): Promise<{ sessionId: SessionId; refreshToken: string }> {
  const sessionId = newId('ses');
  const refreshToken = newRefreshToken();
  await insertSession(tx, { id: sessionId, userId: user.id, tokenHash: hashRefreshToken(refreshToken) });
  return { sessionId, refreshToken };
}

/** Signs an access token for a session that is committed and puts the answer together. */
export async function toSessionAnswer(
  keys: KeyRing,
  user: User,
  session: { sessionId: SessionId; refreshToken: string },
): Promise<SessionAnswer> {
  return {
    user: toUserJson(user),
    access_token: await signAccessToken(keys, user, session.sessionId),
    token_type: 'Bearer',
    expires_in: ACCESS_TOKEN_SECONDS,
    refresh_token: session.refreshToken,
  };
}

export function toUserJson(user: User) {
  return { id: user.id, email: user.email, name: user.name, role: user.role };
}
