import type { Request, Response } from 'express';
import { withTransaction } from '@holdfast/shared/db/transaction';
import { restoreBody } from '@holdfast/shared/contracts/catalogue';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { isId } from '@holdfast/shared/ids';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { Problem } from '@holdfast/shared/problems';
import { etagOf, requireIfMatch } from '../etag.ts';
import type { CatalogueObject } from './answer-create.ts';
import { archiveObject } from './archive-object.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import type { CatalogueKind } from './catalogue-kind.ts';
import { isRefusal, toProblem, type ChangeRefusal } from './catalogue-refusal.ts';
import { restoreObject } from './restore-object.ts';

/** Answers a DELETE of an admin, which archives: 204. @throws Problem for everything that is refused. */
export async function answerArchive<T extends CatalogueObject>(
  deps: CatalogueDeps,
  req: Request<{ id: string }>,
  res: Response,
  kind: CatalogueKind<T>,
): Promise<void> {
  const caller = requireRole(req, 'admin');
  const { id } = req.params;
  if (!isId(kind.prefix, id)) throw new Problem('not_found');
  const ifMatch = requireIfMatch(req);
  const result = await withTransaction(deps.pool, (tx) => archiveObject(tx, kind, { caller, id, ifMatch }));
  if (isRefusal(result)) throw toProblem(result);
  deps.logger.info({ request_id: caller.requestId, user_id: caller.userId, id }, 'catalogue object archived');
  res.status(204).set('ETag', etagOf(result.version)).end();
}

/** Answers POST …/:id/restore of an admin: 200 with the object. @throws Problem for everything that is refused. */
export async function answerRestore<T extends CatalogueObject>(
  deps: CatalogueDeps,
  req: Request<{ id: string }>,
  res: Response,
  kind: CatalogueKind<T>,
): Promise<void> {
  const caller = requireRole(req, 'admin');
  const { id } = req.params;
  if (!isId(kind.prefix, id)) throw new Problem('not_found');
  parseBody(restoreBody, req.body);
  const scope = optionalScope(req, caller.userId, {});
  const result = await answerOnce<ChangeRefusal>(deps.pool, scope, async (tx) => {
    const restored = await restoreObject(tx, kind, { caller, id });
    if (isRefusal(restored)) return restored;
    return { status: 200, headers: { ETag: etagOf(restored.version) }, body: JSON.stringify(restored) };
  });
  if ('refused' in result) throw toProblem(result);
  if (!result.replayed)
    deps.logger.info({ request_id: caller.requestId, user_id: caller.userId, id }, 'catalogue object restored');
  sendStored(res, result);
}
