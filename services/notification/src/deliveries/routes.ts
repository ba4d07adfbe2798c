import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { id } from '@holdfast/shared/contracts/common';
import type { Pool } from '@holdfast/shared/db/pool';
import { requireUser } from '@holdfast/shared/http/caller';
import { parseQuery } from '@holdfast/shared/http/validation';
import { listDeliveries, type DeliveryRow } from './list-deliveries.ts';

const query = z.strictObject({ booking_id: id('bkg') });

/** `GET /internal/deliveries?booking_id=`: the messages of one booking, for the timeline. */
export function deliveryRoutes(pool: Pool): Router {
  const router = Router();
  router.get('/internal/deliveries', async (req: Request, res: Response) => {
    const caller = requireUser(req);
    const { booking_id: bookingId } = parseQuery(query, req.query);
    const rows = await listDeliveries(pool, caller, bookingId);
    res.json({ object: 'list', data: rows.map(toBody), has_more: false, next_cursor: null });
  });
  return router;
}

function toBody(row: DeliveryRow) {
  return {
    id: row.id,
    object: 'delivery',
    booking_id: row.booking_id,
    channel: row.channel,
    kind: row.kind,
    recipient: row.recipient,
    status: row.state,
    attempts: row.attempts,
    next_attempt_at: row.state === 'WAITING' ? row.due_at.toISOString() : null,
    provider_message_id: row.provider_message_id,
    last_error: row.last_error,
    /** The event that this message tells of. */
    cause: row.event_id,
    sent_at: row.sent_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
