import { Router, type Request, type Response } from 'express';
import { checkInBody, completeBody, rotateTicketKeyBody } from '@holdfast/shared/contracts/tickets';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireRole, requireUser } from '@holdfast/shared/http/caller';
import { parseBody } from '@holdfast/shared/http/validation';
import type { StoredAnswer } from '@holdfast/shared/idempotency/idempotency-store';
import { isId, type BookingId } from '@holdfast/shared/ids';
import { optionalScope } from '@holdfast/shared/idempotency/optional-scope';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { answerOnce } from '@holdfast/shared/idempotency/answer-once';
import { toBookingJson, type BookingRow } from '../bookings/booking-row.ts';
import type { BookingWatch } from '../bookings/booking-watch.ts';
import { checkInBooking, type CheckedIn } from './check-in-booking.ts';
import { completeBooking } from './complete-booking.ts';
import { listTicketKeys } from './list-ticket-keys.ts';
import { listTicketsOf } from './list-tickets.ts';
import { readOfflineList } from './read-offline-list.ts';
import { rotateTicketKey } from './rotate-ticket-key.ts';

export interface TicketRoutesDeps {
  readonly pool: Pool;
  readonly watch: Pick<BookingWatch, 'changed'>;
}

/** Tickets and what is done with them at the door, to be mounted at /v1. */
export function ticketRoutes(deps: TicketRoutesDeps): Router {
  const router = Router();

  router.get('/bookings/:id/tickets', async (req, res) => {
    sendList(res, await listTicketsOf(deps.pool, requireUser(req), req.params.id));
  });

  router.post('/bookings/:id/check-in', async (req, res) => {
    const caller = requireRole(req, 'operator', 'admin');
    const bookingId = bookingIdOf(req);
    const body = parseBody(checkInBody, req.body);
    const result = await answerOnce(deps.pool, optionalScope(req, caller.userId, body), async (tx) =>
      checkInAnswer(await checkInBooking(tx, { caller, bookingId, code: body.code ?? null })),
    );
    deps.watch.changed(bookingId);
    sendStored(res, result);
  });

  router.post('/bookings/:id/complete', async (req, res) => {
    const caller = requireRole(req, 'operator', 'admin');
    const bookingId = bookingIdOf(req);
    const body = parseBody(completeBody, req.body);
    const result = await answerOnce(deps.pool, optionalScope(req, caller.userId, body), async (tx) =>
      bookingAnswer(await completeBooking(tx, { caller, bookingId })),
    );
    deps.watch.changed(bookingId);
    sendStored(res, result);
  });

  router.get('/events/:id/tickets/offline', async (req, res) => {
    requireRole(req, 'operator', 'admin');
    const { id } = req.params;
    if (!isId('evt', id)) throw new Problem('not_found');
    res.json(await readOfflineList(deps.pool, id));
  });

  router.get('/ticket-keys', async (_req, res) => {
    sendList(res, await listTicketKeys(deps.pool));
  });

  router.post('/ticket-keys/rotate', async (req, res) => {
    const caller = requireRole(req, 'admin');
    parseBody(rotateTicketKeyBody, req.body);
    const result = await answerOnce(deps.pool, optionalScope(req, caller.userId, {}), async (tx) => ({
      status: 200,
      headers: {},
      body: JSON.stringify(await rotateTicketKey(tx, caller)),
    }));
    sendStored(res, result);
  });

  return router;
}

/** @throws Problem `not_found` for what is not a booking id at all. */
function bookingIdOf(req: Request): BookingId {
  const id = req.params['id'];
  if (!isId('bkg', id)) throw new Problem('not_found');
  return id;
}

function bookingAnswer({ row, now }: { row: BookingRow; now: Date }): StoredAnswer {
  return { status: 200, headers: { etag: `"${row.version}"` }, body: JSON.stringify(toBookingJson(row, now)) };
}

/** The booking is the same each time; the header says whether this scan lets somebody in. */
function checkInAnswer(checkedIn: CheckedIn): StoredAnswer {
  const answer = bookingAnswer(checkedIn);
  return { ...answer, headers: { ...answer.headers, 'check-in': checkedIn.admission } };
}

function sendList(res: Response, data: readonly object[]): void {
  res.json({ object: 'list', data, has_more: false, next_cursor: null });
}
