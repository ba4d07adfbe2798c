import type { WaitlistEntryJson } from '@holdfast/shared/contracts/waitlist';
import type { Queryable } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { toEntryJson, type EntryRow } from './entry-row.ts';
import { readEntries } from './waitlist-store.ts';

/** An entry that the caller may see: an own one, or anybody's for an operator. @throws Problem `not_found`, also for a malformed id. */
export async function findEntry(
  db: Queryable,
  caller: SignedInCaller,
  id: string,
): Promise<{ row: EntryRow; now: Date }> {
  if (!isId('wtl', id)) throw new Problem('not_found');
  const userId = caller.role === 'customer' ? caller.userId : null;
  const { rows, now } = await readEntries(db, { id, userId, limit: 1 });
  if (!rows[0]) throw new Problem('not_found');
  return { row: rows[0], now };
}

/** @throws Problem `not_found`. */
export async function readEntryOf(db: Queryable, caller: SignedInCaller, id: string): Promise<WaitlistEntryJson> {
  const { row, now } = await findEntry(db, caller, id);
  return toEntryJson(row, now);
}
