import type { PhoneJson } from '@holdfast/shared/contracts/text-messages';
import type { Pool } from '@holdfast/shared/db/pool';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { UserId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { dropTextsOf } from '../deliveries/drop-deliveries.ts';
import { deletePhone, findPhone, verifiedPhoneOf } from './phone-store.ts';
import { toPhoneJson } from './phone-json.ts';

/** @throws Problem `not_found` when the user has named none. */
export async function readPhone(pool: Pool, userId: UserId): Promise<PhoneJson> {
  const row = await findPhone(pool, userId);
  if (!row) throw new Problem('not_found');
  return toPhoneJson(row);
}

/** Forgets the user's number, and what is on its way there. @throws Problem `not_found` when there is none. */
export async function forgetPhone(pool: Pool, userId: UserId): Promise<void> {
  await withTransaction(pool, async (tx) => {
    if (!(await deletePhone(tx, userId))) throw new Problem('not_found');
    await dropTextsOf(tx, userId);
  });
}

/** Where the user wants text messages; null when nowhere. */
export function findVerifiedPhone(tx: Tx, userId: UserId): Promise<string | null> {
  return verifiedPhoneOf(tx, userId);
}
