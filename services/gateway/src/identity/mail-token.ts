import type { Tx } from '@holdfast/shared/db/transaction';
import type { Sealer } from '@holdfast/shared/secrets/sealed-text';
import { announceAccount } from './announce-account.ts';
import { hashMailedToken, newMailedToken } from './mailed-token.ts';
import { insertMailedToken, type Purpose } from './mailed-token-store.ts';
import type { User } from './user.ts';

const EVENT = { verify_email: 'email_verification_requested', reset_password: 'password_reset_requested' } as const;

/**
 * Makes a token and has it sent to the user's address, in the caller's transaction. Its hash is kept here; the event carries it sealed,
 * so that it can be read in the mail alone. `cause` is the request that led to it.
 */
export async function mailToken(tx: Tx, sealer: Sealer, user: User, purpose: Purpose, cause: string): Promise<void> {
  const token = newMailedToken();
  const hash = hashMailedToken(token);
  const expiresAt = await insertMailedToken(tx, { hash, userId: user.id, purpose, email: user.email });
  await announceAccount(
    tx,
    EVENT[purpose],
    user,
    {
      user_id: user.id,
      contact: { email: user.email, name: user.name },
      sealed_token: sealer.seal(token),
      expires_at: expiresAt.toISOString(),
    },
    cause,
  );
}
