import type { Request, Response } from 'express';
import { requireRole, type SignedInCaller } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import type { Tx } from '@holdfast/shared/db/transaction';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { fingerprint, readIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import type { z } from 'zod';
import type { AuditedObject } from '@holdfast/shared/audit/record-audit';
import { recordAudit } from '../audit/record-audit.ts';
import { etagOf } from '../etag.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import { toProblem, type CatalogueRefusal } from './catalogue-refusal.ts';

/** What every object of the catalogue shows. */
export interface CatalogueObject extends AuditedObject {
  readonly version: number;
  readonly archived_at: string | null;
}

/** A POST that creates a catalogue object. */
export interface CreateCall<S extends z.ZodType, T extends CatalogueObject> {
  /** Path of the collection, e.g. `/v1/venues`. */
  readonly collection: string;
  readonly body: S;
  /** The use case. Runs inside one transaction, together with the record of its Idempotency-Key. */
  readonly create: (tx: Tx, input: z.output<S>) => Promise<T | CatalogueRefusal>;
}

/**
 * Answers a POST of an admin: 201 with the object, its Location and its ETag, or the stored answer where the Idempotency-Key was used
 * before. Object and key are committed together; a refusal leaves neither.
 * @throws Problem for everything that is refused.
 */
export async function answerCreate<S extends z.ZodType, T extends CatalogueObject>(
  deps: CatalogueDeps,
  req: Request,
  res: Response,
  call: CreateCall<S, T>,
): Promise<void> {
  const caller = requireRole(req, 'admin');
  const { collection, create } = call;
  await createWith(deps, caller, req, res, {
    path: collection,
    collection,
    input: parseBody(call.body, req.body),
    create,
  });
}

/** What is to be created, however it was sent. */
export interface CheckedCreate<I, T extends CatalogueObject> {
  /** Path of the call, for which the Idempotency-Key stands. */
  readonly path: string;
  /** Path of the collection that the object is in. */
  readonly collection: string;
  readonly input: I;
  readonly create: (tx: Tx, input: I) => Promise<T | CatalogueRefusal>;
}

/** As `answerCreate`, with an input that is checked already. */
export async function createWith<I, T extends CatalogueObject>(
  deps: CatalogueDeps,
  caller: SignedInCaller,
  req: Request,
  res: Response,
  call: CheckedCreate<I, T>,
): Promise<void> {
  const key = readIdempotencyKey(req.headers['idempotency-key']);
  const { path, input } = call;
  const scope = key === null ? null : { userId: caller.userId, key, fingerprint: fingerprint('POST', path, input) };
  const result = await answerOnce<CatalogueRefusal>(deps.pool, scope, async (tx) => {
    const created = await call.create(tx, input);
    if ('refused' in created) return created;
    await recordAudit(tx, caller, 'create', null, created);
    return answerOf(call.collection, created);
  });
  if ('refused' in result) throw toProblem(result);
  if (!result.replayed) reportCreated(deps, caller, result.answer);
  sendStored(res, result);
}

function answerOf(collection: string, object: CatalogueObject): StoredAnswer {
  return {
    status: 201,
    headers: { Location: `${collection}/${object.id}`, ETag: etagOf(object.version) },
    body: JSON.stringify(object),
  };
}

function reportCreated(deps: CatalogueDeps, caller: SignedInCaller, answer: StoredAnswer): void {
  deps.logger.info(
    { request_id: caller.requestId, user_id: caller.userId, location: answer.headers['Location'] },
    'catalogue object created',
  );
}
