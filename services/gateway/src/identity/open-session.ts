import type { Tx } from '@holdfast/shared/db/transaction';
import { newId } from '@holdfast/shared/ids';
import { ACCESS_TOKEN_SECONDS, signAccessToken } from './access-tokens.ts';
import { hashRefreshToken, newRefreshToken } from './refresh-token.ts';
import { insertSession } from './session-store.ts';
import type { KeyRing } from './signing-keys.ts';
import { toUserJson, type Account, type Client, type SessionId, type User } from './user.ts';

/** The answer of register, login and refresh. */
export interface SessionAnswer {
  readonly user: ReturnType<typeof toUserJson>;
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly refresh_token: string;
}

/** A session that is committed, with what its client is told. */
export interface OpenedSession {
  readonly sessionId: SessionId;
  readonly answer: SessionAnswer;
}

/** Starts a session in the caller's transaction. */
export async function openSession(
  tx: Tx,
  user: User,
  client: Client,
): Promise<{ sessionId: SessionId; refreshToken: string }> {
  const sessionId = newId('ses');
  const refreshToken = newRefreshToken();
  await insertSession(tx, { id: sessionId, userId: user.id, tokenHash: hashRefreshToken(refreshToken), client });
  return { sessionId, refreshToken };
}

/** Signs an access token for a session that is committed and puts the answer together. */
export async function toOpenedSession(
  keys: KeyRing,
  user: Account,
  session: { sessionId: SessionId; refreshToken: string },
): Promise<OpenedSession> {
  return {
    sessionId: session.sessionId,
    answer: {
      user: toUserJson(user),
      access_token: await signAccessToken(keys, user, session.sessionId),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: session.refreshToken,
    },
  };
}
