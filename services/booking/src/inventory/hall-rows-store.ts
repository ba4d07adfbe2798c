import type { Queryable } from '@holdfast/shared/db/transaction';
import type { HallRow } from './hall-layout.ts';

/** The rows of a hall. @throws Error when there is no such hall: events reference halls, so that would be a bug. */
export async function readHallRows(db: Queryable, hallId: string): Promise<readonly HallRow[]> {
  const { rows } = await db.query<{ rows: HallRow[] }>('select rows from halls where id = $1', [hallId]);
  if (!rows[0]) throw new Error(`there is no hall ${hallId}`);
  return rows[0].rows;
}
