import type { Tx } from '@holdfast/shared/db/transaction';
import type { ServedLines } from '../holds/serve-lines.ts';

/** Notes, under the locks of a batch and after its writes, that nobody who waits fits what is free: until the inventory changes again. */
export async function markLinesServed(
  tx: Tx,
  { eventIds, resourceIds }: Pick<ServedLines, 'eventIds' | 'resourceIds'>,
): Promise<void> {
  if (eventIds.length > 0) {
    await tx.query('update events set line_version = inventory_version where id = any ($1::text[])', [eventIds]);
  }
  if (resourceIds.length > 0) {
    await tx.query('update resources set line_version = inventory_version where id = any ($1::text[])', [resourceIds]);
  }
}
