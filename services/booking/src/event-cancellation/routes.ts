import { Router } from 'express';
import { cancelEventBody, type EventCancellationJson } from '@holdfast/shared/contracts/event-cancellation';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { isId } from '@holdfast/shared/ids';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import { cancelEvent } from './cancel-event.ts';
import { readCancellationOf } from './read-cancellation.ts';

export interface EventCancellationRoutesDeps {
  readonly pool: Pool;
}

/** Cancellation of a whole event, to be mounted at /v1. */
export function eventCancellationRoutes(deps: EventCancellationRoutesDeps): Router {
  const router = Router();

  router.post('/events/:id/cancel', async (req, res) => {
    const caller = requireRole(req, 'admin');
    const eventId = req.params.id;
    if (!isId('evt', eventId)) throw new Problem('not_found');
    const { reason } = parseBody(cancelEventBody, req.body);
    const result = await answerOnce(
      deps.pool,
      optionalScope(req, caller.userId, { reason }),
      async (tx) => answerOf(await cancelEvent(tx, { caller, eventId, reason })),
      async (tx) => {
        const cancellation = await readCancellationOf(tx, eventId);
        return cancellation.state === 'DONE' ? answerOf(cancellation) : null;
      },
    );
    sendStored(res, result);
  });

  router.get('/events/:id/cancellation', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readCancellationOf(deps.pool, req.params.id));
  });

  return router;
}

function answerOf(cancellation: EventCancellationJson): StoredAnswer {
  const location = `/v1/events/${cancellation.event_id}/cancellation`;
  const body = JSON.stringify(cancellation);
  return cancellation.state === 'DONE'
    ? { status: 200, headers: { location }, body }
    : { status: 202, headers: { location, 'retry-after': '1' }, body };
}
