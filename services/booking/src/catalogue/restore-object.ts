import type { Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { recordAudit } from '../audit/record-audit.ts';
import type { CatalogueObject } from './answer-create.ts';
import { setArchived } from './archive-store.ts';
import type { CatalogueKind } from './catalogue-kind.ts';
import type { ChangeRefusal } from './catalogue-refusal.ts';

/** Takes an object out of the archive; one that is not there is answered as it is. What it lies in must be restored before it. */
export async function restoreObject<T extends CatalogueObject>(
  tx: Tx,
  kind: CatalogueKind<T>,
  command: { readonly caller: SignedInCaller; readonly id: string },
): Promise<T | ChangeRefusal> {
  const locked = await kind.lock(tx, command.id);
  if (!locked) return { refused: 'not_found' };
  const before = locked.object;
  if (before.archived_at === null) return before;
  if (locked.archivedAround !== null) return { refused: 'archived', what: locked.archivedAround };

  await setArchived(tx, kind.collection, { id: before.id, version: before.version, archived: false });
  const after = (await kind.read(tx, before.id))!;
  await recordAudit(tx, command.caller, 'restore', before, after);
  return after;
}
