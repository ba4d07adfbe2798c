import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { Problem } from '@holdfast/shared/problems';
import { hashMailedToken } from './mailed-token.ts';
import { useMailedToken } from './mailed-token-store.ts';
import { markEmailVerified } from './user-store.ts';

/** Notes that a user reads the mails of its address. @throws Problem `mailed_token_invalid`. */
export async function verifyEmail(deps: { pool: Pool }, token: string): Promise<void> {
  await withTransaction(deps.pool, async (tx) => {
    const used = await useMailedToken(tx, hashMailedToken(token), 'verify_email');
    if (!used || !(await markEmailVerified(tx, used.userId, used.email))) throw new Problem('mailed_token_invalid');
  });
}
