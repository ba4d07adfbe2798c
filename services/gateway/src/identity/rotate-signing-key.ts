import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction } from '@holdfast/shared/db/transaction';
import type { RequestId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { recordAudit } from './record-audit.ts';
import { insertNextKey } from './signing-key-store.ts';
import { newSigningKey } from './signing-keys.ts';
import type { User } from './user.ts';

/**
 * Puts a new signing key beside the current one. It signs 10 s later, when every gateway has it; tokens of the old key stay good until
 * they expire. @throws Problem `conflict` while an earlier one still waits.
 */
export async function rotateSigningKey(
  deps: { pool: Pool },
  actor: User,
  requestId: RequestId,
): Promise<{ kid: string; signsFrom: Date }> {
  const key = await newSigningKey();
  const signsFrom = await withTransaction(deps.pool, async (tx) => {
    const moment = await insertNextKey(tx, key);
    if (!moment) throw new Problem('conflict', { detail: 'a new key waits to sign already; it does within 10 s' });
    const after = { kid: key.kid, object: 'signing_key', signs_from: moment.toISOString() };
    await recordAudit(tx, {
      actor,
      requestId,
      action: 'rotate_signing_key',
      entity: { kind: 'signing_key', id: key.kid },
      before: null,
      after,
    });
    return moment;
  });
  return { kid: key.kid, signsFrom };
}
