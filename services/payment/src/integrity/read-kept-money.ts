import type { KeptMoneyRow } from '@holdfast/shared/contracts/money-check';
import type { Pool } from '@holdfast/shared/db/pool';
import type { BookingId } from '@holdfast/shared/ids';
import { amountToJson } from '@holdfast/shared/money';

const REST_SECONDS = 60;

interface KeptRow {
  booking_id: BookingId;
  captured: bigint;
  refunded: bigint;
  by_operators: bigint;
  moving: boolean;
}

/** What the payments of these bookings took and gave back. The ledger says the same: `ledger_says_payments` sees to that. */
export async function readKeptMoney(pool: Pool, bookingIds: readonly BookingId[]): Promise<KeptMoneyRow[]> {
  const { rows } = await pool.query<KeptRow>(
    `select p.booking_id, p.captured_amount as captured, p.refunded_amount as refunded,
            coalesce((select sum(amount) from refunds
                       where payment_id = p.id and origin = 'operator' and status = 'SUCCEEDED'), 0)::bigint as by_operators,
            p.updated_at > clock.app_now() - make_interval(secs => $2)
              or p.mismatch is not null
              or exists (select from operations o where o.payment_id = p.id and o.state in ('WAITING', 'DUE'))
              or exists (select from refunds r where r.payment_id = p.id and r.status = 'PENDING') as moving
       from payments p
      where p.booking_id = any($1::text[])`,
    [bookingIds, REST_SECONDS],
  );
  return rows.map((row) => ({
    booking_id: row.booking_id,
    captured: amountToJson(row.captured),
    refunded: amountToJson(row.refunded),
    by_operators: amountToJson(row.by_operators),
    moving: row.moving,
  }));
}
