import type { Queryable } from '@holdfast/shared/db/transaction';
import type { HallRow } from './hall-layout.ts';

/**
 * The rows of a version of a hall: those that were kept when they changed after it, else the present ones. @throws Error when there is
 * no such hall: events reference halls, so that would be a bug.
 */
export async function readHallRows(db: Queryable, hallId: string, version: number): Promise<readonly HallRow[]> {
  const { rows } = await db.query<{ rows: HallRow[] }>(
    `select coalesce((select p.rows
                        from hall_past_rows p
                       where p.hall_id = h.id and p.last_version >= $2::int
                       order by p.last_version
                       limit 1), h.rows) as rows
       from halls h
      where h.id = $1`,
    [hallId, version],
  );
  if (!rows[0]) throw new Error(`there is no hall ${hallId}`);
  return rows[0].rows;
}
