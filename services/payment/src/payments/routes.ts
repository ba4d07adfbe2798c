import { paymentListQuery } from '@holdfast/shared/contracts/payments';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireUser } from '@holdfast/shared/http/caller';
import { parseQuery } from '@holdfast/shared/http/validation';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { Router, type Request } from 'express';
import { readPayment, readPaymentOfBooking, type Viewer } from './read-payment.ts';

/** GET /v1/payments/:id and /v1/payments?booking_id=, for the owner and for staff. Expects requireAssertion in front. */
export function paymentRoutes(pool: Pool): Router {
  const router = Router();
  router.get('/v1/payments/:id', async (req, res) => {
    const viewer = viewerOf(req);
    const { id } = req.params;
    const payment = isId('pay', id) ? await readPayment(pool, id, viewer) : null;
    if (!payment) throw new Problem('not_found');
    res.json(payment);
  });
  router.get('/v1/payments', async (req, res) => {
    const viewer = viewerOf(req);
    const given = req.query['booking_id'];
    // A malformed id is 404 wherever it stands (api.md); only a missing one is a wrong query.
    if (typeof given === 'string' && !isId('bkg', given)) throw new Problem('not_found');
    const query = parseQuery(paymentListQuery, req.query);
    const payment = await readPaymentOfBooking(pool, query.booking_id, viewer);
    // Others' bookings and unpaid ones look alike here: this service knows bookings by their payments alone.
    res.json({ object: 'list', data: payment ? [payment] : [], has_more: false, next_cursor: null });
  });
  return router;
}

function viewerOf(req: Request): Viewer {
  const caller = requireUser(req);
  return { userId: caller.role === 'customer' ? caller.userId : null };
}
