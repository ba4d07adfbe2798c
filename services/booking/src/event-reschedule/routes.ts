import { Router } from 'express';
import { rescheduleEventBody, type EventRescheduleJson } from '@holdfast/shared/contracts/event-reschedule';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { isId } from '@holdfast/shared/ids';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { readRescheduleOf } from './read-reschedule.ts';
import { rescheduleEvent } from './reschedule-event.ts';

export interface EventRescheduleRoutesDeps {
  readonly pool: Pool;
}

/** Moving an event to another time, to be mounted at /v1. */
export function eventRescheduleRoutes(deps: EventRescheduleRoutesDeps): Router {
  const router = Router();

  router.post('/events/:id/reschedule', async (req, res) => {
    const caller = requireRole(req, 'admin');
    const eventId = req.params.id;
    if (!isId('evt', eventId)) throw new Problem('not_found');
    const body = parseBody(rescheduleEventBody, req.body);
    const result = await answerOnce(
      deps.pool,
      optionalScope(req, caller.userId, body),
      async (tx) => answerOf(await rescheduleEvent(tx, { caller, eventId, body })),
      async (tx) => {
        const reschedule = await readRescheduleOf(tx, eventId);
        return reschedule.state === 'RUNNING' ? null : answerOf(reschedule);
      },
    );
    sendStored(res, result);
  });

  router.get('/events/:id/reschedule', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    res.json(await readRescheduleOf(deps.pool, req.params.id));
  });

  return router;
}

function answerOf(reschedule: EventRescheduleJson): StoredAnswer {
  const location = `/v1/events/${reschedule.event_id}/reschedule`;
  const body = JSON.stringify(reschedule);
  return reschedule.state === 'RUNNING'
    ? { status: 202, headers: { location, 'retry-after': '1' }, body }
    : { status: 200, headers: { location }, body };
}
