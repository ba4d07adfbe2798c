import { paymentListQuery, refundBody } from '@holdfast/shared/contracts/payments';
import type { Pool } from '@holdfast/shared/db/pool';
import { jsonBody, requireJson } from '@holdfast/shared/http/app';
import { requireRole, requireUser } from '@holdfast/shared/http/caller';
import { parseBody, parseQuery } from '@holdfast/shared/http/validation';
import { fingerprint, requireIdempotencyKey } from '@holdfast/shared/idempotency/idempotency-key';
import { isId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';
import { Router, type Request } from 'express';
import { readPayment, readPaymentOfBooking, type Viewer } from './read-payment.ts';
import { refundPayment, type RefundRefusal } from './refund-payment.ts';

export interface PaymentRouteOptions {
  readonly pool: Pool;
  /** Call after a commit that made calls to the provider due. */
  readonly onPlanned: () => void;
}

/**
 * GET /v1/payments/:id and /v1/payments?booking_id=, for the owner and for staff; POST /v1/payments/:id/refunds for staff. Expects
 * requireAssertion in front.
 */
export function paymentRoutes({ pool, onPlanned }: PaymentRouteOptions): Router {
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
  router.post('/v1/payments/:id/refunds', requireJson, jsonBody(), async (req, res) => {
    const caller = requireRole(req, 'operator', 'admin');
    const { id } = req.params;
    if (!isId('pay', id)) throw new Problem('not_found');
    const key = requireIdempotencyKey(req.headers['idempotency-key']);
    const { amount, currency, reason } = parseBody(refundBody, req.body);
    const result = await refundPayment(pool, {
      paymentId: id,
      scope: {
        userId: caller.userId,
        key,
        fingerprint: fingerprint(
          'POST',
          `/v1/payments/${id}/refunds`,
          currency === null ? { amount, reason } : { amount, currency, reason },
        ),
      },
      amount: BigInt(amount),
      currency,
      reason,
      actor: caller,
    });
    if ('refused' in result) throw problemOf(result);
    res
      .status(result.answer.status)
      .set(result.replayed ? { 'Idempotent-Replayed': 'true' } : {})
      .type('application/json')
      .send(result.answer.body);
    if (!result.replayed) onPlanned();
  });
  return router;
}

function problemOf(refusal: RefundRefusal): Problem {
  switch (refusal.refused) {
    case 'refund_exceeds_captured':
      return new Problem(refusal.refused, { detail: `${refusal.left} minor units are left to go back` });
    case 'refund_currency_mismatch':
      return new Problem(refusal.refused, {
        detail: `the payment is in ${refusal.currency}`,
        errors: [{ pointer: '/amount/currency', code: refusal.refused, message: `must be ${refusal.currency}` }],
      });
    case 'refund_amount_invalid':
      return new Problem(refusal.refused, {
        errors: [{ pointer: '/amount', code: refusal.refused, message: 'must be at least 1' }],
      });
    case 'not_found':
      return new Problem(refusal.refused);
    default:
      return refusal satisfies never;
  }
}

function viewerOf(req: Request): Viewer {
  const caller = requireUser(req);
  return { userId: caller.role === 'customer' ? caller.userId : null };
}
