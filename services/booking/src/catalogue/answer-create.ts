import type { Request, Response } from 'express';
import { requireRole, type SignedInCaller } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { withTransaction, type Tx } from '@holdfast/shared/db/transaction';
import { fingerprint, readIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import {
  findAnswer,
  lockKey,
  storeAnswer,
  type KeyScope,
  type StoredAnswer,
} from '@holdfast/shared/idempotency/idempotency-store';
import { Problem } from '@holdfast/shared/problems';
import type { z } from 'zod';
import { etagOf } from '../etag.ts';
import type { CatalogueDeps } from './catalogue-deps.ts';
import { toProblem, type CatalogueRefusal } from './catalogue-refusal.ts';

interface CatalogueObject {
  readonly id: string;
  readonly version: number;
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
  const key = readIdempotencyKey(req.headers['idempotency-key']);
  const input = parseBody(call.body, req.body);
  const scope =
    key === null ? null : { userId: caller.userId, key, fingerprint: fingerprint('POST', call.collection, input) };
  const result = await createOnce(deps, scope, async (tx) => {
    const created = await call.create(tx, input);
    return 'refused' in created ? created : answerOf(call.collection, created);
  });
  if ('refused' in result) throw toProblem(result);
  if (!result.replayed) reportCreated(deps, caller, result.answer);
  res
    .status(result.answer.status)
    .set(result.answer.headers)
    .set(result.replayed ? { 'Idempotent-Replayed': 'true' } : {})
    .type('application/json')
    .send(result.answer.body);
}

function answerOf(collection: string, object: CatalogueObject): StoredAnswer {
  return {
    status: 201,
    headers: { Location: `${collection}/${object.id}`, ETag: etagOf(object.version) },
    body: JSON.stringify(object),
  };
}

async function createOnce(
  deps: CatalogueDeps,
  scope: KeyScope | null,
  create: (tx: Tx) => Promise<StoredAnswer | CatalogueRefusal>,
): Promise<{ answer: StoredAnswer; replayed: boolean } | CatalogueRefusal> {
  let waitsForKey = false;
  try {
    return await withTransaction(
      deps.pool,
      async (tx) => {
        if (scope) {
          waitsForKey = true;
          await lockKey(tx, scope);
          waitsForKey = false;
          const stored = await findAnswer(tx, scope);
          if (stored) return { answer: stored.answer, replayed: true };
        }
        const answer = await create(tx);
        if ('refused' in answer) return answer;
        if (scope) await storeAnswer(tx, scope, answer);
        return { answer, replayed: false };
      },
      // Each attempt waits for a lock for a second at most: two are the 2 s that a caller with the same key is kept waiting.
      { attempts: 2 },
    );
  } catch (error) {
    if (waitsForKey && isLockTimeout(error)) throw new Problem('idempotency_in_progress');
    throw error;
  }
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

function reportCreated(deps: CatalogueDeps, caller: SignedInCaller, answer: StoredAnswer): void {
  deps.logger.info(
    { request_id: caller.requestId, user_id: caller.userId, location: answer.headers['Location'] },
    'catalogue object created',
  );
}
