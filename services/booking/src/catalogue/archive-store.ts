import type { Tx } from '@holdfast/shared/db/transaction';

/** Archives or restores the given version of an object. False when it has another version or is in that state already. */
export async function setArchived(
  tx: Tx,
  collection: 'venues' | 'resources' | 'halls' | 'events',
  { id, version, archived }: { id: string; version: number; archived: boolean },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update ${collection}
        set archived_at = case when $3::boolean then clock.app_now() end,
            version = version + 1, updated_at = clock.app_now()
      where id = $1
        and version = $2
        and (archived_at is null) = $3::boolean`,
    [id, version, archived],
  );
  return rowCount === 1;
}
