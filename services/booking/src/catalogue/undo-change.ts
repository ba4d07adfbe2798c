import { isDeepStrictEqual } from 'node:util';
import { readAuditEntry } from '@holdfast/shared/audit/read-audit';
import type { AuditEntryJson } from '@holdfast/shared/contracts/audit';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import type { SignedInCaller } from '@holdfast/shared/http/caller';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { recordAudit } from '../audit/record-audit.ts';
import { etagOf } from '../etag.ts';
import type { CatalogueObject } from './answer-create.ts';
import type { PatchCall } from './answer-patch.ts';
import { archiveObject } from './archive-object.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import { isRefusal, toProblem, type ChangeRefusal } from './catalogue-refusal.ts';
import { eventChanges } from './events/event-changes.ts';
import { HALL_CHANGES } from './halls/hall-changes.ts';
import { changedFields, mergePatch } from './merge-patch.ts';
import { RESOURCE_CHANGES } from './resources/resource-changes.ts';
import { restoreObject } from './restore-object.ts';
import { VENUE_CHANGES } from './venues/venue-changes.ts';

/** What can be taken back by a change. Cancelling and moving an event did things to bookings, which stand. */
const ACTIONS: readonly string[] = ['update', 'archive', 'restore', 'undo'];

export interface UndoCommand {
  readonly caller: SignedInCaller;
  /** Of an entry of the audit log. */
  readonly id: string;
  readonly reason: string | null;
}

/**
 * Brings an object of the catalogue back to what it was before an entry of the audit log, by a change of today: under the locks and
 * rules of every change, and with an entry of its own. An object that is so already is answered as it is.
 * @throws Problem `not_found`, `audit_not_restorable`, or whatever refuses the change.
 */
export async function undoChange(
  deps: CatalogueDeps & { readonly quoting: boolean },
  command: UndoCommand,
): Promise<CatalogueObject> {
  const entry = await readAuditEntry(deps.pool, 'booking', command.id);
  if (!ACTIONS.includes(entry.action)) {
    throw new Problem('audit_not_restorable', { detail: `${entry.action} is not undone by a change` });
  }
  const result = await withTransaction(deps.pool, (tx) => undoByKind(tx, deps.quoting, entry, command));
  if (isRefusal(result)) throw toProblem(result);
  const { requestId, userId } = command.caller;
  deps.logger.info(
    { request_id: requestId, user_id: userId, id: result.id, entry: entry.id },
    'catalogue change undone',
  );
  return result;
}

function undoByKind(
  tx: Tx,
  quoting: boolean,
  entry: AuditEntryJson,
  command: UndoCommand,
): Promise<CatalogueObject | ChangeRefusal> {
  switch (entry.entity.kind) {
    case 'venue':
      return undo(tx, VENUE_CHANGES, entry, command);
    case 'resource':
      return undo(tx, RESOURCE_CHANGES, entry, command);
    case 'hall':
      return undo(tx, HALL_CHANGES, entry, command);
    case 'event':
      return undo(tx, eventChanges(quoting), entry, command);
    default:
      throw new Problem('audit_not_restorable', { detail: `a ${entry.entity.kind} is no object of the catalogue` });
  }
}

async function undo<S extends z.ZodType, T extends CatalogueObject>(
  tx: Tx,
  changes: PatchCall<S, T>,
  entry: AuditEntryJson,
  { caller, reason }: UndoCommand,
): Promise<T | ChangeRefusal> {
  // An entry of these actions always has the object as the API showed it.
  const then = entry.before as unknown as T;
  const { kind } = changes;
  const command = { caller, id: entry.entity.id };
  let current = (await kind.lock(tx, command.id))?.object;
  if (!current) return { refused: 'not_found' };

  if (current.archived_at !== null && then.archived_at === null) {
    const restored = await restoreObject(tx, kind, command);
    if (isRefusal(restored)) return restored;
    current = restored;
  }
  const fields = changes.toFields(current);
  // What an older release did not know of stays as it is.
  const known = Object.entries(changes.toFields(then)).filter(([, value]) => value !== undefined);
  const wanted = { ...fields, ...Object.fromEntries(known) };
  if (!isDeepStrictEqual(fields, wanted)) {
    if (current.archived_at !== null) return { refused: 'archived', what: 'it' };
    const kept = changedFields(fields, wanted, changes.immutable);
    if (kept.length > 0) return { refused: 'immutable', fields: kept };
    const updated = await changes.update(tx, current, mergePatch(changes.body, wanted, {}));
    if (isRefusal(updated)) return updated;
    const why = reason === null ? `undoes ${entry.id}` : `undoes ${entry.id}: ${reason}`;
    await recordAudit(tx, caller, 'undo', current, updated, why);
    current = updated;
  }
  if (current.archived_at !== null || then.archived_at === null) return current;
  return archiveObject(tx, kind, { ...command, ifMatch: etagOf(current.version) });
}
