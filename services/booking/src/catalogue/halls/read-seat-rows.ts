import type { Queryable } from '@holdfast/shared/db/transaction';
import type { HallRow } from '../../inventory/hall-layout.ts';
import { findSeatRows } from './hall-store.ts';

/**
 * The rows of the version of a hall whose seats an event sells; for `createHallLayouts`.
 * @throws Error when that version is gone: whoever changes a hall must keep the version that is on sale.
 */
export async function readSeatRows(db: Queryable, hallId: string, version: number): Promise<readonly HallRow[]> {
  const rows = await findSeatRows(db, hallId, version);
  if (!rows) throw new Error(`hall ${hallId} has no version ${version}`);
  return rows;
}
