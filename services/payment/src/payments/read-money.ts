import type { Pool } from '@holdfast/shared/db/pool';
import type { BookingId, PaymentId } from '@holdfast/shared/ids';

/** The money of one payment as our books have it; minor units. */
export interface PaymentMoney {
  readonly id: PaymentId;
  readonly bookingId: BookingId;
  readonly reference: string | null;
  readonly currency: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Refunds that settled and those that are under way. */
  readonly refundReserved: bigint;
  readonly quarantined: boolean;
  /** A call is under way or the payment changed within the last minute: the two sides may differ for a moment. */
  readonly moving: boolean;
}

interface Row {
  id: PaymentId;
  booking_id: BookingId;
  provider_reference: string | null;
  currency: string;
  captured_amount: bigint;
  refunded_amount: bigint;
  refund_reserved: bigint;
  quarantined: boolean;
  moving: boolean;
}

const SELECT = `
  select id, booking_id, provider_reference, currency, captured_amount, refunded_amount, refund_reserved,
         mismatch is not null as quarantined,
         updated_at > clock.app_now() - interval '1 minute'
           or exists (select from operations
                       where operations.payment_id = payments.id
                         and operations.state in ('WAITING', 'DUE')) as moving
    from payments
   where provider = $1`;

/** The payments that have one of these intents, or one of these ids. */
export async function readMoneyOf(
  pool: Pool,
  provider: string,
  of: { references: readonly string[]; paymentIds: readonly string[] },
): Promise<PaymentMoney[]> {
  const { rows } = await pool.query<Row>(
    `${SELECT} and (provider_reference = any($2::text[]) or id = any($3::text[]))`,
    [provider, of.references, of.paymentIds],
  );
  return rows.map(toMoney);
}

/** Captured payments that were made from `from` on and before `to`, by id after `after`, at most `limit`. */
export async function readCapturedMoney(
  pool: Pool,
  provider: string,
  page: { from: Date; to: Date; after: PaymentId | null; limit: number },
): Promise<PaymentMoney[]> {
  const { rows } = await pool.query<Row>(
    `${SELECT}
        and captured_amount > 0
        and created_at >= $2
        and created_at < $3
        and ($4::text is null or id > $4)
      order by id
      limit $5`,
    [provider, page.from, page.to, page.after, page.limit],
  );
  return rows.map(toMoney);
}

function toMoney(row: Row): PaymentMoney {
  return {
    id: row.id,
    bookingId: row.booking_id,
    reference: row.provider_reference,
    currency: row.currency,
    captured: row.captured_amount,
    refunded: row.refunded_amount,
    refundReserved: row.refund_reserved,
    quarantined: row.quarantined,
    moving: row.moving,
  };
}
