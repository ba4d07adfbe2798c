import type { Pool } from '@holdfast/shared/db/pool';
import type { UserId } from '@holdfast/shared/ids';
import type { Account } from './user.ts';
import { findUserById } from './user-store.ts';

/** The user as it is now, which may be newer than what its access token says. */
export async function readUser(deps: { pool: Pool }, id: UserId): Promise<Account | null> {
  return findUserById(deps.pool, id);
}
