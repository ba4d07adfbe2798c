import { Router, type Request } from 'express';
import { bookingListQuery, cancelBody, extendBody, payBody, upcomingQuery } from '@holdfast/shared/contracts/bookings';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireUser } from '@holdfast/shared/http/caller';
import { timeLeft } from '@holdfast/shared/http/deadline';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { fingerprint, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import { isId, type BookingId } from '@holdfast/shared/ids';
import { sendStored } from '@holdfast/shared/idempotency/send-stored';
import { Problem } from '@holdfast/shared/problems';
import { cancelBooking, type CancelDeps } from './cancel-booking.ts';
import { extendHold } from './extend-hold.ts';
import { listBookingsOf, listUpcomingOf } from './list-bookings.ts';
import { payBooking, type PayDeps } from './pay-booking.ts';
import { previewCancellation } from './preview-cancellation.ts';
import { readBookingOf, readHistoryOf } from './read-booking.ts';

export type BookingRoutesDeps = PayDeps & CancelDeps & { readonly pool: Pool };

/** For a caller that says nothing of its time; storing and sending the answer takes a part of it. */
const PAY_LIMIT_MS = 2_700;
const ANSWER_MS = 300;

/** The booking routes of api.md but for POST /v1/bookings, which comes in batches (src/holds/routes.ts). */
export function bookingRoutes(deps: BookingRoutesDeps): Router {
  const router = Router();

  router.get('/bookings', async (req, res) => {
    res.json(await listBookingsOf(deps.pool, requireUser(req), parseQuery(bookingListQuery, req.query)));
  });
  router.get('/bookings/upcoming', async (req, res) => {
    res.json(await listUpcomingOf(deps.pool, requireUser(req), parseQuery(upcomingQuery, req.query)));
  });
  router.get('/bookings/reference/:reference', async (req, res) => {
    const booking = await readBookingOf(deps.pool, requireUser(req), { reference: req.params.reference });
    res.set('etag', `"${booking.version}"`).json(booking);
  });
  router.get('/bookings/:id', async (req, res) => {
    const booking = await readBookingOf(deps.pool, requireUser(req), { id: req.params.id });
    res.set('etag', `"${booking.version}"`).json(booking);
  });
  router.get('/bookings/:id/history', async (req, res) => {
    const data = await readHistoryOf(deps.pool, requireUser(req), req.params.id);
    res.json({ object: 'list', data, has_more: false, next_cursor: null });
  });

  router.get('/bookings/:id/cancellation-preview', async (req, res) => {
    res.json(await previewCancellation(deps.pool, requireUser(req), req.params.id));
  });

  router.post('/bookings/:id/pay', async (req, res) => {
    const caller = requireUser(req);
    const bookingId = bookingIdOf(req);
    const key = requireIdempotencyKey(req.headers['idempotency-key']);
    const body = parseBody(payBody, req.body);
    const scope = {
      userId: caller.userId,
      key,
      fingerprint: fingerprint('POST', `/v1/bookings/${bookingId}/pay`, body),
    };
    const result = await payBooking(deps, {
      caller,
      bookingId,
      scope,
      paymentMethod: body.payment_method ?? null,
      allowEquivalent: body.allow_equivalent,
      waitMs: timeLeft(req, PAY_LIMIT_MS) - ANSWER_MS,
    });
    sendStored(res, result);
  });

  router.post('/bookings/:id/extend', async (req, res) => {
    const caller = requireUser(req);
    const bookingId = bookingIdOf(req);
    const key = requireIdempotencyKey(req.headers['idempotency-key']);
    const body = parseBody(extendBody, req.body);
    const scope = {
      userId: caller.userId,
      key,
      fingerprint: fingerprint('POST', `/v1/bookings/${bookingId}/extend`, body),
    };
    const result = await extendHold(deps, { caller, bookingId, scope });
    sendStored(res, result);
  });

  router.post('/bookings/:id/cancel', async (req, res) => {
    const caller = requireUser(req);
    const bookingId = bookingIdOf(req);
    const key = requireIdempotencyKey(req.headers['idempotency-key']);
    const { reason } = parseBody(cancelBody, req.body);
    const scope = {
      userId: caller.userId,
      key,
      fingerprint: fingerprint('POST', `/v1/bookings/${bookingId}/cancel`, { reason }),
    };
    const result = await cancelBooking(deps, { caller, bookingId, scope, reason });
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
