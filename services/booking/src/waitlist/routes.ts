import { Router, type Request } from 'express';
import { leaveBody, waitFormOf, waitlistQuery } from '@holdfast/shared/contracts/waitlist';
import { requireUser } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { fingerprint, readIdempotencyKey, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import type { CancelDeps } from '../bookings/cancel-booking.ts';
import type { WaitRequest } from '../holds/hold-request.ts';
import { joinWaitlist, type JoinDeps } from './join-waitlist.ts';
import { leaveWaitlist } from './leave-waitlist.ts';
import { listEntriesOf } from './list-entries.ts';
import { readEntryOf } from './read-entry.ts';

export type WaitlistRoutesDeps = JoinDeps & CancelDeps;

/** The waitlist, to be mounted at /v1. */
export function waitlistRoutes(deps: WaitlistRoutesDeps): Router {
  const router = Router();

  router.post('/waitlist', async (req, res) => {
    const caller = requireUser(req);
    const key = requireIdempotencyKey(req.headers['idempotency-key']);
    const body = parseBody(waitFormOf(req.body), req.body);
    const { request, minQuantity } = toWish(body);
    const scope = { userId: caller.userId, key, fingerprint: fingerprint('POST', '/v1/waitlist', body) };
    sendStored(res, await joinWaitlist(deps, { caller, scope, request, minQuantity }));
  });

  router.get('/waitlist', async (req, res) => {
    res.json(await listEntriesOf(deps.pool, requireUser(req), parseQuery(waitlistQuery, req.query)));
  });

  router.get('/waitlist/:id', async (req, res) => {
    res.json(await readEntryOf(deps.pool, requireUser(req), req.params.id));
  });

  router.post('/waitlist/:id/leave', async (req, res) => {
    const caller = requireUser(req);
    const entryId = entryIdOf(req);
    const key = readIdempotencyKey(req.headers['idempotency-key']);
    const body = parseBody(leaveBody, req.body);
    const print = fingerprint('POST', `/v1/waitlist/${entryId}/leave`, body);
    const scope = key === null ? null : { userId: caller.userId, key, fingerprint: print };
    sendStored(res, await leaveWaitlist(deps, { caller, entryId, scope }));
  });

  return router;
}

function toWish(body: ReturnType<ReturnType<typeof waitFormOf>['parse']>): {
  request: WaitRequest;
  minQuantity: number;
} {
  if ('resource_id' in body) {
    const [startsAt, endsAt] = [new Date(body.starts_at), new Date(body.ends_at)];
    return { request: { kind: 'slot', resourceId: body.resource_id, startsAt, endsAt }, minQuantity: 1 };
  }
  const { event_id: eventId, quantity, category = null } = body;
  return {
    request: { kind: 'quantity', eventId, quantity, category },
    minQuantity: body.min_quantity ?? quantity,
  };
}

/** @throws Problem `not_found` for what is not an entry's id at all. */
function entryIdOf(req: Request): string {
  const id = req.params['id'];
  if (!isId('wtl', id)) throw new Problem('not_found');
  return id;
}
