import type { payment as paymentSchema } from '@holdfast/shared/contracts/payments';
import { MILLISECONDS } from '@holdfast/shared/db/instant';
import type { Pool } from '@holdfast/shared/db/pool';
import type { BookingId, PaymentId, UserId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';
import type { z } from 'zod';

export type PaymentView = z.infer<typeof paymentSchema>;

/** Who may see: the owner alone, or everybody's for staff (`userId` null). */
export interface Viewer {
  readonly userId: UserId | null;
}

interface Row {
  id: PaymentId;
  booking_id: BookingId;
  status: PaymentView['status'];
  amount: bigint;
  currency: string;
  provider: string;
  provider_reference: string | null;
  created_at: Date;
  updated_at: Date;
  attempts: PaymentView['attempts'];
  refunds: PaymentView['refunds'];
}

const SELECT = `
  select id, booking_id, status, amount, currency, provider, provider_reference, created_at, updated_at,
         (select coalesce(json_agg(json_build_object(
                   'number', number, 'status', status, 'payment_method', payment_method,
                   'decline_reason', decline_reason,
                   'created_at', to_char(created_at, ${MILLISECONDS}),
                   'updated_at', to_char(updated_at, ${MILLISECONDS})) order by number), '[]')
            from attempts where payment_id = payments.id) as attempts,
         (select coalesce(json_agg(json_build_object(
                   'id', id, 'status', status, 'amount', amount, 'currency', currency,
                   'created_at', to_char(created_at, ${MILLISECONDS})) order by created_at, id), '[]')
            from refunds where payment_id = payments.id) as refunds
    from payments`;

/** One payment, or null when there is none that the viewer may see. */
export async function readPayment(pool: Pool, id: PaymentId, viewer: Viewer): Promise<PaymentView | null> {
  const { rows } = await pool.query<Row>(`${SELECT} where id = $1 and ($2::text is null or user_id = $2)`, [
    id,
    viewer.userId,
  ]);
  return rows[0] ? toView(rows[0]) : null;
}

/** The payment of a booking, if it has one that the viewer may see. */
export async function readPaymentOfBooking(
  pool: Pool,
  bookingId: BookingId,
  viewer: Viewer,
): Promise<PaymentView | null> {
  const { rows } = await pool.query<Row>(`${SELECT} where booking_id = $1 and ($2::text is null or user_id = $2)`, [
    bookingId,
    viewer.userId,
  ]);
  return rows[0] ? toView(rows[0]) : null;
}

function toView(row: Row): PaymentView {
  return {
    id: row.id,
    object: 'payment',
    booking_id: row.booking_id,
    status: row.status,
    amount: amountToJson(row.amount),
    currency: row.currency,
    provider: row.provider,
    provider_reference: row.provider_reference,
    attempts: row.attempts,
    refunds: row.refunds,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
