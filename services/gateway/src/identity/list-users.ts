import type { Pool } from '@holdfast/shared/db/pool';
import type { Page } from '@holdfast/shared/http/pagination';
import { toUserJson } from './user.ts';
import { findUserByEmail } from './user-store.ts';

/** The user with an address, as a list of one or none. */
export async function listUsers(
  deps: { pool: Pool },
  query: { readonly email: string },
): Promise<Page<ReturnType<typeof toUserJson>>> {
  const user = await findUserByEmail(deps.pool, query.email);
  return { object: 'list', data: user ? [toUserJson(user)] : [], has_more: false, next_cursor: null };
}
