import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { recordAudit } from '../audit/record-audit.ts';
import { countLiveBookings } from '../bookings/count-live-bookings.ts';
import { matchesVersion } from '../etag.ts';
import { lockInventory } from '../inventory/lock-inventory.ts';
import type { CatalogueObject } from './answer-create.ts';
import { setArchived } from './archive-store.ts';
import type { CatalogueKind } from './catalogue-kind.ts';
import type { ChangeRefusal } from './catalogue-refusal.ts';

/**
 * Archives an object unless somebody counts on it or on something beneath it. Holds wait for the same inventory locks, so none slips in
 * between the look and the change: it sees the archive and is refused. An archived object is left as it is.
 */
export async function archiveObject<T extends CatalogueObject>(
  tx: Tx,
  kind: CatalogueKind<T>,
  command: { readonly caller: SignedInCaller; readonly id: string; readonly ifMatch: string },
): Promise<T | ChangeRefusal> {
  const locked = await kind.lock(tx, command.id);
  if (!locked) return { refused: 'not_found' };
  const before = locked.object;
  if (!matchesVersion(command.ifMatch, before.version)) return { refused: 'version_mismatch' };
  if (before.archived_at !== null) return before;

  const inventory = await kind.inventoryOf(tx, before.id);
  await lockInventory(tx, [
    ...inventory.eventIds.map((event_id) => ({ event_id, resource_id: null })),
    ...inventory.resourceIds.map((resource_id) => ({ event_id: null, resource_id })),
  ]);
  const live = await countLiveBookings(tx, inventory);
  if (live > 0) return { refused: 'in_use', detail: `live bookings that depend on it: ${live}` };

  await setArchived(tx, kind.collection, { id: before.id, version: before.version, archived: true });
  const after = (await kind.read(tx, before.id))!;
  await recordAudit(tx, command.caller, 'archive', before, after);
  return after;
}
