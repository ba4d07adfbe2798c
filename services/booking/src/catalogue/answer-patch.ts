import type { Request, Response } from 'express';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { requireRole } from '@holdfast/shared/http/caller';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { recordAudit } from '../audit/record-audit.ts';
import { etagOf, matchesVersion, requireIfMatch } from '../etag.ts';
import type { CatalogueObject } from './answer-create.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import type { CatalogueKind } from './catalogue-kind.ts';
import { isRefusal, toProblem, type ChangeRefusal } from './catalogue-refusal.ts';
import { changedFields, mergePatch, readPatch, type Fields } from './merge-patch.ts';

/** A PATCH of a catalogue object. */
export interface PatchCall<S extends z.ZodType, T extends CatalogueObject> {
  readonly kind: CatalogueKind<T>;
  /** The body of POST: what the object must still be after the patch. */
  readonly body: S;
  /** The object as the body that would create it. */
  readonly toFields: (object: T) => Fields;
  /** Fields that a patch may repeat but not change. */
  readonly immutable: readonly string[];
  /** The use case. Runs under the locks of the kind, so the object still has `current.version`. */
  readonly update: (tx: Tx, current: T, input: z.output<S>) => Promise<T | ChangeRefusal>;
}

/**
 * Answers a PATCH of an admin: 200 with the object and the ETag of its new version.
 * @throws Problem for everything that is refused; nothing was changed then.
 */
export async function answerPatch<S extends z.ZodType, T extends CatalogueObject>(
  deps: CatalogueDeps,
  req: Request<{ id: string }>,
  res: Response,
  call: PatchCall<S, T>,
): Promise<void> {
  const caller = requireRole(req, 'admin');
  if (!isId(call.kind.prefix, req.params.id)) throw new Problem('not_found');
  const ifMatch = requireIfMatch(req);
  const patch = readPatch(req.body);
  const result = await withTransaction(deps.pool, async (tx): Promise<T | ChangeRefusal> => {
    const current = (await call.kind.lock(tx, req.params.id))?.object;
    if (!current) return { refused: 'not_found' };
    if (!matchesVersion(ifMatch, current.version)) return { refused: 'version_mismatch' };
    if (current.archived_at !== null) return { refused: 'archived', what: 'it' };

    const fields = call.toFields(current);
    const changed = changedFields(fields, patch, call.immutable);
    if (changed.length > 0) return { refused: 'immutable', fields: changed };
    const updated = await call.update(tx, current, mergePatch(call.body, fields, patch));
    if (!isRefusal(updated)) await recordAudit(tx, caller, 'update', current, updated);
    return updated;
  });
  if (isRefusal(result)) throw toProblem(result);
  deps.logger.info(
    { request_id: caller.requestId, user_id: caller.userId, id: result.id, version: result.version },
    'catalogue object changed',
  );
  res.set('ETag', etagOf(result.version)).json(result);
}
